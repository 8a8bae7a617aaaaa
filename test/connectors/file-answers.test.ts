/** The file source's answers: what the sender is owed is a file of its own, or the file that it answers stays. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import t from 'tap'
import fileSource from '../../connectors/file/source.js'
import type { Receive } from '../../engine/contracts.js'
import { setUp } from './file-tools.js'
import { accepted, type TestTools } from './tools.js'

const POLL = 1000

/** As many polls as it takes for a file to come to rest and be taken. */
const settle = async ({ clock }: TestTools): Promise<void> => {
  for (let n = 0; n < 3; n++) {
    clock.advance(POLL)
    await clock.asleep(POLL)
  }
}

t.test('what the sender is owed is written beside, whole, before the file is put away', async (t) => {
  const setting = await setUp(t)
  const { put, at, tools } = setting
  await put('a.278', 'one')
  await put('b.278', 'two')
  const receive: Receive = async ({ bytes }) => ({ ...accepted, acknowledgements: bytes.toString() === 'one' ? [Buffer.from('999 '), Buffer.from('TA1')] : [] })
  const source = fileSource.create({ folder: 'in', match: '*.278', answers: 'out' }, tools)
  await source.start(receive)
  t.teardown(() => source.stop())
  await tools.clock.asleep(POLL)
  await settle(tools)
  t.same(await readdir(at('out')), ['a.278.answer'], 'nothing for what is owed nothing')
  t.equal(await readFile(at('out', 'a.278.answer'), 'utf8'), '999 TA1')
  t.same((await readdir(at('done'))).sort(), ['a.278', 'b.278'])
  await rm(at('out'), { recursive: true })
  await put('c.278', 'one')
  await settle(tools)
  t.same(await readdir(at('done')), ['a.278', 'b.278'], 'a file whose answer cannot be written stays')
  t.match(tools.events.map(({ event }) => event).join(), /the answer to a file cannot be written/)
  await mkdir(at('out'))
  await settle(tools)
  t.same([await readdir(at('out')), (await readdir(at('done'))).sort()], [['c.278.answer'], ['a.278', 'b.278', 'c.278']])
  t.throws(() => fileSource.create({ folder: 'in', answers: '.' }, tools), /other folders/)
})
