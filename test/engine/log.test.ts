/** The log: facts on a list and no content, and nothing that repeats itself without end. */
import t from 'tap'
import { openLog } from '../../engine/log.js'
import { Repetitions } from '../../engine/log-repetitions.js'

t.test('a line has the facts that are allowed, and of an error no sentence', async (t) => {
  const lines: string[] = []
  const log = openLog('info', { write: (line) => void lines.push(line) })
  log('warn', 'it failed', { channel: 'adt', patient: 'EVERYWOMAN', error: Object.assign(new Error('EVERYWOMAN is unknown'), { code: 'ENOENT' }) })
  log('debug', 'too little to say')
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), { msg: 'it failed', channel: 'adt', error: 'Error', code: 'ENOENT' })
  t.notMatch(lines[0], /EVERYWOMAN/)
})

t.test('what repeats itself at every message is written a few times, and then counted', async (t) => {
  const lines: (readonly [string, object])[] = []
  const repetitions = new Repetitions((_at, event, facts) => void lines.push([event, facts]))
  for (let n = 0; n < 5_000; n++) repetitions.take('error', 'could not keep a message', { channel: 'adt', message: n })
  repetitions.take('error', 'could not keep a message', { channel: 'lab', message: 1 })
  for (let n = 0; n < 50; n++) repetitions.take('info', 'was started', { channel: 'adt' })
  t.equal(lines.length, 10 + 1 + 50, 'of each channel, and what people ask for in full')
  repetitions.tell()
  t.same(lines.at(-1), ['could not keep a message; this was left out so many times within a minute', { channel: 'adt', count: 4_990 }])
  t.equal(lines.length, 62, 'of what was written each time nothing more is said')
  repetitions.take('error', 'could not keep a message', { channel: 'adt', message: 9 })
  t.equal(lines.length, 63, 'and the next minute begins anew')
})
