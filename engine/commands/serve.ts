/** `refero serve`: runs the engine until it is told to stop, and says where each channel listens. */
import type { ChannelStatus } from '../engine.js'
import { JSON_OPTION, type Command, type Terminal } from '../command.js'
import { openLog } from '../log.js'
import { startEngine } from '../main.js'
import { type Problem, problemLine } from '../problem.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'
import { untilStopped } from './parts/until-stopped.js'

const serve: Command = {
  name: 'serve',
  summary: 'Runs the engine with the channels of a folder.',
  usage: '[--channels DIR] [--config FILE] [--data DIR]',
  words: 0,
  options: { ...SETTINGS_OPTIONS, ...JSON_OPTION },
  exits: '0 stopped as asked, 2 it could not start.',
  async run(given, terminal) {
    const configuration = loadInstallation(given, terminal)
    const json = given.flag('json')
    const say = (event: object, text: string): void => terminal.out(json ? JSON.stringify(event) : text)
    let web = ''
    let broken = 0 // files that no channel could be made of
    const running = await startEngine(configuration, openLog(configuration.settings.log.level), {
      token: (token) => say({ token }, `The token of the operations API, shown only now: ${token}\n`),
      web: (address) => {
        web = address
        say({ web: address }, `  ${'web'.padEnd(20)} ${address}  (/docs, /health, /ready, /metrics, /api)`)
      },
      channel: (status) => say(status, channelLine(status)),
      problems: (problems) => {
        broken = new Set(problems.filter(({ severity }) => severity === 'error').map(({ file }) => file)).size
        report(problems, terminal)
      },
      tables: (problems) => report(problems, terminal),
    })
    const status = running.engine.status()
    const listening = status.filter(({ state }) => state === 'running').length
    const off = status.filter(({ state }) => state === 'disabled').length // they shall not run, so none is missing
    if (!json) tryNext(status, web, terminal)
    const channels = status.length - off + broken
    say({ ready: true, channels, running: listening, disabled: off }, `${listening} of ${channels} channels ready${off > 0 ? `, ${off} switched off` : ''}.`)
    await untilStopped()
    const all = await running.stop()
    say({ stopped: true, inTime: all }, all ? 'Stopped: everything taken was answered and is stored.' : 'Stopped at the deadline: what could not be finished is stored, and is gone on with at the next start.')
    return 0
  },
}

const channelLine = ({ name, state, listening, trouble }: ChannelStatus): string => `  ${name.padEnd(20)} ${listening ?? `${state}${trouble ? `: ${trouble}` : ''}`}`

function report(problems: readonly Problem[], terminal: Terminal): void {
  for (const problem of problems) terminal.err(problemLine(problem))
}

function tryNext(status: readonly ChannelStatus[], web: string, terminal: Terminal): void {
  if (!status.some(({ name, state }) => name === 'referrals-hl7' && state === 'running')) return
  const desk = status.some(({ state, listening }) => state === 'running' && listening?.includes(' owed')) // a channel speaks for the desk
  terminal.out(`\nTry next, in a second terminal:\n  npx refero send fixtures/hl7v2/ref-i12-cardiology.hl7\n  curl -H "Authorization: Bearer TOKEN" ${web}/api/messages\n${desk ? `  curl -H "Authorization: Bearer TOKEN" ${web}/api/referrals/worklist\n` : ''}`)
}

export default serve
