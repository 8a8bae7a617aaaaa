/** The format xml: what it takes and refuses, and what its paths read and write. */
import t from 'tap'
import { MessageFault } from '../../../engine/errors.js'
import type { XmlDocument } from '../../../engine/formats/xml/tree.js'
import { transformTools } from '../../transforms/tools.js'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const xml = transformTools().format('xml')
const parse = (text: string | Buffer) => xml.parse(Buffer.from(text))
const faultOf = (text: string | Buffer): MessageFault => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof MessageFault) return error
    throw error
  }
  throw new Error(`was taken: ${text.toString().slice(0, 60)}`)
}

t.test('what is no XML is refused at its line and column, without its content', async (t) => {
  for (const [text, place] of [['<a>\n <b></a>', '2:5'], ['<a x=1/>', '1:4'], ['', '1:1'], ['<a/><b/>', '1:5'], ['<a>\n&nbsp;</a>', '2:1'], ['<a>&#0;</a>', '1:4'], ['<a>\u0001</a>', '1:4'], ['<a><!-- </a>', '1:4'], ['<a><![CDATA[</a>', '1:4'], ['<a Secret="1" Secret="2"/>', '1:15']] as const) {
    const fault = faultOf(text)
    t.equal(fault.fault.location, place, text)
    t.notMatch(fault.message, /Secret/)
  }
})

t.test('document types and entities are refused, whatever they would do', async (t) => {
  const laughs = `<!DOCTYPE a [<!ENTITY a "lol">${Array.from({ length: 9 }, (_, n) => `<!ENTITY b${n} "&a;&a;&a;">`).join('')}]><a>&b8;</a>`
  for (const text of ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', laughs, '<a><!DOCTYPE b [<!ENTITY x "y">]>&x;</a>', '<a>&x;</a>', '<a b="&x;"/>']) {
    t.match(faultOf(text).message, /document type|entity/, text.slice(0, 50))
  }
  t.same(xml.read(parse('<a><!-- <!DOCTYPE b> --><![CDATA[<!DOCTYPE &x;]]></a>'), 'a'), ['<!DOCTYPE &x;'], 'in comments and CDATA they are words')
})

t.test('size, depth and number of elements have limits', async (t) => {
  t.match(faultOf('<a>'.repeat(200_000) + '</a>'.repeat(200_000)).message, /deep/)
  t.match(faultOf(`<a>${'<b/>'.repeat(500_001)}</a>`).message, /500000 elements/)
  t.match(faultOf(Buffer.alloc(20 * 1024 ** 2 + 1, 32)).message, /size/)
})

t.test('a document is read in the character set that its mark or its declaration names', async (t) => {
  const say = (charset: string) => `<?xml version="1.0" encoding="${charset}"?><a>Zoë</a>`
  t.same(xml.read(parse(Buffer.from(say('ISO-8859-1'), 'latin1')), 'a'), ['Zoë'])
  t.same(xml.read(parse(Buffer.from(say('UTF-8'))), 'a'), ['Zoë'])
  t.same(xml.read(parse(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(say('UTF-8'))])), 'a'), ['Zoë'])
  t.same(xml.read(parse(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(say('UTF-16'), 'utf16le')])), 'a'), ['Zoë'])
  t.match(faultOf(Buffer.from(say('UTF-8'), 'latin1')).message, /not utf-8/)
  t.match(faultOf(say('x-nobody')).message, /not known/)
  const changed = xml.write(parse(Buffer.from(say('ISO-8859-1'), 'latin1')), 'a/@b', '☃')
  t.equal(xml.serialize(changed).toString(), '<?xml version="1.0" encoding="UTF-8"?><a b="☃">Zoë</a>', 'what is changed is UTF-8, and says so')
})

t.test('paths read by name, place, attribute and child, whatever the prefixes', async (t) => {
  const body = parse('<c:D xmlns:c="urn:hl7-org:v3" xmlns:s="urn:hl7-org:sdtc"><c:p><c:id root="1" extension="A"/><c:id root="2" extension="B"/><c:id nullFlavor="UNK"/><c:race code="W"/><s:race code="A"/><c:n>x &amp;<c:b> y</c:b></c:n></c:p><c:p><c:n>z</c:n></c:p></c:D>')
  const read = (path: string) => xml.read(body, path)
  t.same(read("D/p/id[@root='2']/@extension"), ['B'])
  t.same(read('/D/p/id/@extension'), ['A', 'B'])
  t.same(read('D/p[1]/id[2]/@root'), ['2'])
  t.same(read('D/p/race/@code'), ['W'])
  t.same(read('D/p/sdtc:race/@code'), ['A'])
  t.same(read('D/p/n'), ['x & y', 'z'])
  t.same(read("D/p[id/@extension='A']/n/b"), [' y'])
  t.same(read("D/p[n='z']/n"), ['z'])
  t.same(read("D/p[not(id)]/n"), ['z'])
  t.same(read("//id[@root='1' or @nullFlavor]/@root"), ['1'])
  t.same(read("D/p/id[@root][@root!='1']/@extension"), ['B'])
  t.same(read('D/*/n'), ['x & y', 'z'])
  t.same(read('E/p'), [])
  for (const path of ['@x', 'a[', 'a[0]', 'a[b=c]', 'a/', 'a/../b', 'a|b', 'count(a)', "a[position()='1']"]) t.type(xml.checkPath(path), 'string', path)
})

t.test('writing changes one place, and leaves the rest as it stood', async (t) => {
  const text = '<?xml version="1.0"?>\n<!-- c --><D  a = "1"><?pi  x?><p>  <![CDATA[<k>]]></p>\n<q/></D>\n<!-- end -->'
  const write = (path: string, value: string | null) => xml.serialize(xml.write(parse(text), path, value)).toString()
  t.equal(write('D/q', '1 < 2'), text.replace('<D  a = "1">', '<D a="1">').replace('<q/>', '<q>1 &lt; 2</q>'))
  t.equal(write('D/q', null), text.replace('<D  a = "1">', '<D a="1">').replace('<q/>', ''))
  t.match(write("D/r[@k='v']/s/@t", '"'), '<r k="v"><s t="&quot;"/></r></D>')
  for (const [path, value] of [['D', 'x'], ['E/f', 'x'], ['D/q[3]', 'x'], ['//zz', 'x'], ['D', null]] as const) t.throws(() => write(path, value), MessageFault, path)
})

t.test('splitting gives the document once for each part, with that part alone', async (t) => {
  const parts = xml.split(parse('<D><h/><p n="1"/><p n="2"/></D>'), 'D/p')
  t.same(parts.map((one) => xml.serialize(one).toString()), ['<D><h/><p n="1"/></D>', '<D><h/><p n="2"/></D>'])
})

t.test('a CDA document is known by its id and its code, any other by its root element', async (t) => {
  t.same(xml.readHeader(Buffer.from('<ClinicalDocument><id root="1.2" extension="7"/><code code="57133-1"/></ClinicalDocument>')), { controlId: '1.2^7', type: '57133-1' })
  t.same(xml.readHeader(Buffer.from('<x:order xmlns:x="u"/>')), { controlId: null, type: 'order' })
})

t.test('random damage never crashes, hangs or grows', async (t) => {
  const whole = readFileSync(join(import.meta.dirname, '../../../../fixtures/xml/referral-note.xml'))
  let seed = 20260302
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return (seed >> 8) % below
  }
  const bits = ['<', '>', '&', '"', "'", '</', '<!--', '-->', '<![CDATA[', ']]>', '<?', '?>', '<!', '=', 'xmlns:', '\0', '&#', '__proto__', '<a '].map((one) => Buffer.from(one))
  const rounds = (count: number): number => {
    let taken = 0
    for (let n = 0; n < count; n++) {
      const at = random(whole.length)
      const bytes = Buffer.concat([whole.subarray(0, at), ...Array.from({ length: random(4) }, () => bits[random(bits.length)] as Buffer), whole.subarray(Math.min(whole.length, at + random(30)))])
      try {
        const body = parse(bytes) as XmlDocument
        xml.serialize(xml.write(body, 'ClinicalDocument/title', 'x'))
        taken += 1
      } catch (error) {
        if (!(error instanceof MessageFault)) throw error
      }
    }
    return taken
  }
  rounds(200)
  const before = process.memoryUsage().heapUsed
  t.ok(rounds(800) > 0, 'some can still be read')
  t.ok(process.memoryUsage().heapUsed - before < 150 * 1024 ** 2, 'memory stays')
  for (const bit of ['<', '<a ', '"', "a='", '<!--', '<![CDATA[', '<?', '&', '</', '<a b="', 'a= ', '&#', '[', ']]>']) {
    for (const text of [bit.repeat(200_000), `<a>${bit.repeat(200_000)}</a>`, `<a ${bit.repeat(200_000)}/>`]) {
      try {
        parse(text)
      } catch (error) {
        if (!(error instanceof MessageFault)) t.fail(`${bit}: ${error}`)
      }
    }
  }
})
