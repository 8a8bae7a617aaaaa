/** The text format passes anything on byte for byte. */
import t from 'tap'
import text from '../../../engine/formats/text/index.js'
import { examplesWork, faultOf, tools } from './hl7v2-setup.js'

t.test('text is carried, split into lines, and has nothing else', async t => {
  const format = text.create({ size: 100 }, tools)
  const bytes = Buffer.from([0x00, 0xff, 0x0d, 0x0a, 0x41, 0xef, 0xbb, 0xbf, 0x0a])
  t.ok(format.serialize(format.parse(bytes)).equals(bytes))
  t.equal(format.serialize('Zoë').toString(), 'Zoë', 'a string is written as UTF-8')
  t.throws(() => format.serialize(1), /string or bytes/)
  t.same(format.readHeader(bytes), { controlId: null, type: null })
  t.equal(format.acknowledge(bytes, 'done', 'rejected'), null)
  t.equal(format.separate(bytes), null)
  t.same(format.split(Buffer.from('a\r\nb\n\n c\r'), 'line').map(String), ['a', 'b', ' c'])
  t.same(format.split('', 'line'), [])
  t.match(faultOf(() => format.split('a', 'OBR')), { kind: 'internal', reason: /split by line/ })
  t.match(format.checkPath('PID-3'), /text has no fields/)
  for (const work of [() => format.read(bytes, 'a'), () => format.write(bytes, 'a', 'b'), () => format.orderKeys(bytes, 'a')]) t.match(faultOf(work), { kind: 'internal', reason: /no path into it/ })
  for (const work of [() => format.readHeader(Buffer.alloc(101)), () => format.parse(Buffer.alloc(101))]) t.match(faultOf(work), { kind: 'unreadable', reason: /at most 100/ })
  t.ok(examplesWork(text))
})
