/** The command line: finds the command, reads its words, runs it, and says what went wrong in a sentence. */
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import type { Command, Given, Terminal } from './command.js'
import { check } from './commands/check.js'
import { replay } from './commands/replay.js'
import { send } from './commands/send.js'
import { serve } from './commands/serve.js'
import { test } from './commands/test.js'
import { token } from './commands/token.js'
import { ReferoError, sentence } from './errors.js'
import { nearest } from './nearest.js'

const COMMANDS: readonly Command[] = [serve, check, test, send, replay, token]
const USAGE_ERROR = 2

/** Runs one command line and resolves with its exit code: 0 well, 1 the answer is no, 2 it could not be done. */
export async function main(words: readonly string[], terminal: Terminal = realTerminal()): Promise<number> {
  const [name = 'help', ...rest] = words
  if (['help', '--help', '-h'].includes(name)) return help(rest[0], terminal)
  const command = COMMANDS.find((one) => one.name === name)
  try {
    if (!command) throw unknownCommand(name)
    if (rest.includes('--help') || rest.includes('-h')) return help(name, terminal)
    return await command.run(read(command, rest), terminal)
  } catch (error) {
    terminal.err(`refero: ${sentence(error)}`)
    if (error instanceof ReferoError) terminal.err(`        ${error.hint}`)
    return USAGE_ERROR
  }
}

function read(command: Command, words: readonly string[]): Given {
  try {
    const { values, positionals } = parseArgs({ args: [...words], options: { ...command.options }, allowPositionals: true, strict: true })
    return {
      words: positionals,
      text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
      flag: (option) => values[option] === true,
    }
  } catch (error) {
    throw new ReferoError('USAGE', `${sentence(error)} Usage: refero ${command.name} ${command.usage}`)
  }
}

function help(name: string | undefined, terminal: Terminal): number {
  const command = COMMANDS.find((one) => one.name === name)
  if (name !== undefined && !command) {
    terminal.err(`refero: ${unknownCommand(name).message}`)
    return USAGE_ERROR
  }
  if (command) {
    terminal.out(`${command.summary}\n\n  refero ${command.name} ${command.usage}\n`)
    for (const [option, { describe, value }] of Object.entries(command.options)) terminal.out(`  ${`--${option}${value ? ` ${value}` : ''}`.padEnd(22)} ${describe}`)
    terminal.out(`\nExit codes: ${command.exits}`)
    return 0
  }
  terminal.out('Refero receives, transforms, routes and delivers HL7 and FHIR messages, and never loses one.\n')
  for (const { name: one, summary } of COMMANDS) terminal.out(`  refero ${one.padEnd(8)} ${summary}`)
  terminal.out('\n`refero help COMMAND` tells more.')
  return 0
}

function unknownCommand(name: string): ReferoError {
  const near = nearest(name, COMMANDS.map((command) => command.name))
  return new ReferoError('USAGE', `There is no command \`${name.slice(0, 40)}\`${near ? `; did you mean \`${near}\`?` : '.'}`)
}

function realTerminal(): Terminal {
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
