/** The command line: finds the command, reads its words, runs it, and says what went wrong in a sentence. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import type { Command, Given, Terminal } from './command.js'
import { ReferoError, sentence } from './errors.js'
import { didYouMean, nearest } from './nearest.js'
import { version } from './version.js'

const COULD_NOT = 2

/** A command is a file of commands/; its name is the file's. */
const FOLDER = join(import.meta.dirname, 'commands')
const names = (): string[] => readdirSync(FOLDER).filter((file) => file.endsWith('.js')).map((file) => file.slice(0, -3)).sort()
const find = async (name: string): Promise<Command> => {
  if (!names().includes(name)) throw unknownCommand(name)
  const { default: command } = (await import(`./commands/${name}.js`)) as { default: Command }
  return command
}

/** Runs one command line and resolves with its exit code: 0 well, 1 the answer is no, 2 it could not be done. */
export async function main(words: readonly string[], terminal: Terminal = realTerminal()): Promise<number> {
  const [name = 'help', ...rest] = words
  try {
    if (['help', '--help', '-h'].includes(name)) return await help(rest[0], terminal)
    if (['version', '--version', '-v'].includes(name)) return told(version(), terminal)
    const command = await find(name)
    if (rest.includes('--help') || rest.includes('-h')) return await help(name, terminal)
    return await command.run(read(command, rest), terminal)
  } catch (error) {
    const wrong = ofFile(error)
    const [code, hint, facts] = wrong instanceof ReferoError ? [wrong.code, wrong.hint, wrong.facts] : ['FAILED', null, {}]
    if (rest.includes('--json')) terminal.out(JSON.stringify({ error: sentence(wrong), code, hint, ...facts }))
    else terminal.err(`refero: ${sentence(wrong)}${hint === null ? '' : `\n        ${hint}`}`)
    return COULD_NOT
  }
}

const told = (text: string, terminal: Terminal): number => {
  terminal.out(text)
  return 0
}

/** What the operating system says of a file, in a sentence. */
function ofFile(error: unknown): unknown {
  const { code = '', path } = error as NodeJS.ErrnoException
  if (typeof path !== 'string' || !(code in FILE_TROUBLES)) return error
  return new ReferoError('FILE_FAILED', `${path}: ${FILE_TROUBLES[code]}.`, { cause: error })
}

const FILE_TROUBLES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder', EACCES: 'this user may not', EPERM: 'this user may not', EROFS: 'the disk is read-only', ENOSPC: 'the disk is full',
  EISDIR: 'it is a folder', ENOTDIR: 'a part of the path is no folder', EEXIST: 'it is there already',
}


function read(command: Command, words: readonly string[]): Given {
  const usage = (what: string): ReferoError => new ReferoError('USAGE', `${what} Usage: refero ${command.name} ${command.usage}`.trimEnd())
  const { values, positionals, unknown } = parsed(command, words, usage)
  if (unknown !== undefined) throw usage(`There is no option \`${unknown.slice(0, 40)}\`${didYouMean(unknown, Object.keys(command.options).map((option) => `--${option}`))}`)
  const surplus = command.words === undefined ? undefined : positionals[command.words]
  if (surplus !== undefined) throw usage(`\`${surplus.slice(0, 40)}\` is one word too many.`)
  return {
    words: positionals,
    text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
    flag: (option) => values[option] === true,
  }
}

function parsed(command: Command, words: readonly string[], usage: (what: string) => ReferoError) {
  const options = { ...command.options }
  const { tokens } = parseArgs({ args: [...words], options, allowPositionals: true, strict: false, tokens: true })
  const unknown = tokens.find((token) => token.kind === 'option' && !(token.name in options))
  if (unknown?.kind === 'option') return { values: {}, positionals: [], unknown: unknown.rawName }
  try {
    return { ...parseArgs({ args: [...words], options, allowPositionals: true, strict: true }), unknown: undefined }
  } catch (error) {
    throw usage(sentence(error))
  }
}

async function help(name: string | undefined, terminal: Terminal): Promise<number> {
  if (name !== undefined) {
    const { summary, usage, options, exits } = await find(name)
    terminal.out(`${summary}\n\n  refero ${name} ${usage}\n`)
    for (const [option, { describe, value }] of Object.entries(options)) terminal.out(`  ${`--${option}${value ? ` ${value}` : ''}`.padEnd(22)} ${describe}`)
    terminal.out(`\nExit codes: ${exits}`)
    return 0
  }
  terminal.out('Refero receives, transforms, routes and delivers HL7 and FHIR messages, and never loses one.\n')
  for (const one of names()) terminal.out(`  refero ${one.padEnd(9)} ${(await find(one)).summary}`)
  terminal.out('\n`refero help COMMAND` tells more.')
  return 0
}

function unknownCommand(name: string): ReferoError {
  const near = nearest(name, names())
  return new ReferoError('USAGE', `There is no command \`${name.slice(0, 40)}\`${near ? `; did you mean \`${near}\`?` : '.'}`)
}

function realTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : COULD_NOT)) // `| head` reads no further
  return {
    environment: process.env,
    interactive: process.stdin.isTTY === true,
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    confirm: async (question) => {
      const asked = createInterface({ input: process.stdin, output: process.stderr })
      const answer = await asked.question(`${question} [y/N] `)
      asked.close()
      return /^y(es)?$/i.test(answer.trim())
    },
  }
}
