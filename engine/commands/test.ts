/** `refero test`: runs the tests inside the channel files. */
import { writeFileSync } from 'node:fs'
import { runChannelTest, type TestResult } from '../channel-tests.js'
import { JSON_OPTION, type Command, type Terminal } from '../command.js'
import { ReferoError } from '../errors.js'
import { readInstallation } from '../installation.js'
import { junit } from '../tools/junit.js'
import { nearest } from '../nearest.js'
import { problemLine } from '../problem.js'
import { findPieces } from '../registry.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'
import { testWorld } from './parts/test-world.js'

const test: Command = {
  name: 'test',
  summary: 'Runs the tests inside the channel files.',
  usage: '[CHANNEL …] [--channels DIR] [--junit FILE]',
  options: { ...SETTINGS_OPTIONS, junit: { type: 'string', value: 'FILE', describe: 'write the results as JUnit XML too' }, ...JSON_OPTION },
  exits: '0 all passed, 1 some failed or a channel file is broken, 2 they could not be run.',
  async run(given, terminal) {
    const configuration = loadInstallation(given, terminal)
    const pieces = await findPieces()
    const { channels, problems, mappings } = await readInstallation(configuration, pieces)
    const errors = problems.filter(({ severity }) => severity === 'error')
    for (const problem of errors) terminal.err(problemLine(problem))
    const names = channels.map(({ definition }) => definition.name)
    for (const word of given.words) if (!names.includes(word)) throw new ReferoError('NOT_FOUND', `No channel is called \`${word}\`${nearest(word, names) ? `; did you mean \`${nearest(word, names)}\`?` : '.'}`)
    const { settings } = configuration
    const world = testWorld(settings, pieces, mappings)
    const results: TestResult[] = []
    for (const channel of channels.filter(({ definition }) => given.words.length === 0 || given.words.includes(definition.name))) {
      for (const one of channel.definition.tests) {
        const result = await runChannelTest(channel, one, world)
        results.push(result)
        if (!given.flag('json')) print(result, terminal)
      }
    }
    const failed = results.filter(({ failures }) => failures.length > 0).length
    const file = given.text('junit')
    if (file) writeFileSync(file, junit(results))
    terminal.out(given.flag('json') ? JSON.stringify(results) : `${results.length - failed} passed, ${failed} failed`)
    return failed > 0 || errors.length > 0 ? 1 : 0
  },
}

function print({ channel, name, failures }: TestResult, terminal: Terminal): void {
  terminal.out(`${failures.length === 0 ? 'ok    ' : 'FAILED'} ${channel}: ${name}`)
  for (const { what, expected, found, detail } of failures) {
    terminal.out(`         ${what}: expected ${expected}, found ${found}`)
    if (detail) terminal.out(detail.replace(/^/gm, '         '))
  }
}

export default test
