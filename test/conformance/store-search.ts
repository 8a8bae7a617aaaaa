/** Conformance of a store: messages are found by their words, and every kind of search comes in pages. */
import type { Inbound, MessageQuery } from '../../engine/contracts.js'
import { after, arrival, bound, CHANNEL, claim, finished, ids, NOON, pass, settled, type Store } from './store-kit.js'
import type { OnStore } from './store.js'

const hl7 = (controlId: string, family: string, given: string, note: string): string =>
  `MSH|^~\\&|CLINIC|WEST|EHR|EAST|20260302120000||REF^I12|${controlId}|P|2.5.1\rPID|1||4711-7^^^HOSP^MR||${family}^${given}||19800101|F\rNTE|1||${note}\r`

const keep = async (store: Store, content: string | Buffer, over: Parameters<typeof arrival>[1] = {}): Promise<number> => {
  const inbound: Inbound = { bytes: Buffer.from(content), origin: 'x' }
  return (await store.accept(arrival('x', { controlId: null, inbound, ...over }))).id
}

export const searchConformance = (on: OnStore): void => {
  on('a message is found by the words of its text, as soon as it is kept', async (t, store, reopen) => {
    const eve = await keep(store, hl7('A1', 'EVERYWOMAN', 'EVE', 'chest pain, please see soon'))
    const adam = await keep(store, hl7('A2', 'EVERYMAN', 'ADAM', 'knee pain'))
    const expect = async (text: string, expected: readonly number[], sentence: string): Promise<void> => {
      t.same(ids(await store.search({ text, limit: 10 })), expected, sentence)
    }
    await expect('EVERYWOMAN', [eve], 'a word')
    await expect('everywoman', [eve], 'in any case')
    await expect('pain', [adam, eve], 'newest first')
    await expect('pain EVE', [eve], 'all of several words')
    await expect('soon chest', [eve], 'in any order')
    await expect('EVERY*', [adam, eve], 'the beginning of a word')
    await expect('every* knee', [adam], 'a beginning and a word')
    await expect('EVERY', [], 'a beginning is not the word')
    await expect('4711', [adam, eve], 'a number, whatever delimits it')
    await expect('EVERYWOMAN^EVE', [eve], 'as it stands in the message')
    await expect('nobody', [], 'a word that nothing has')
    t.match(await store.textIndexed(), { indexed: adam, newest: adam })
    const again = await reopen()
    t.same(ids(await again.search({ text: 'knee', limit: 10 })), [adam], 'and after it was opened again')
  })

  on('words are those of the decoded text', async (t, store) => {
    const utf8 = await keep(store, hl7('U', 'MÜLLER', 'JÜRGEN', 'Größe'))
    const latin1 = await keep(store, Buffer.from(hl7('L', 'MÜLLER', 'ANNE', 'x').replace('|P|2.5.1', '|P|2.5.1||||||8859/1'), 'latin1'))
    const undeclared = await keep(store, Buffer.from(hl7('N', 'MÜLLER', 'EVA', 'x'), 'latin1'))
    const greek = await keep(store, Buffer.concat([Buffer.from('MSH|^~\\&|A|B|C|D|2026||ADT^A01|G|P|2.5.1||||||8859/7\rPID|1||7||'), Buffer.from([0xc1, 0xe8, 0xde, 0xed, 0xe1]), Buffer.from('\r')]))
    const wide = await keep(store, Buffer.from(hl7('W', 'WIDE', 'MÜLLER', 'x'), 'utf16le'))
    const json = await keep(store, '{"resourceType":"Patient","name":[{"family":"Müller"}]}')
    t.same(ids(await store.search({ text: 'Müller', limit: 10 })), [json, wide, undeclared, latin1, utf8])
    t.same(ids(await store.search({ text: 'muller', limit: 10 })), [json, wide, undeclared, latin1, utf8], 'with or without accents')
    t.same(ids(await store.search({ text: 'Αθήνα', limit: 10 })), [greek])
    t.same(ids(await store.search({ text: 'grö*', limit: 10 })), [utf8])
  })

  on('documents within a message are no words, and what stands beside them is found', async (t, store) => {
    const scan = Buffer.alloc(400_000, 'scanned page ').toString('base64')
    const id = await keep(store, `${hl7('B', 'EVERYWOMAN', 'EVE', 'x')}OBX|1|ED|18842-5||^AP^PDF^Base64^${scan}||||||F\r`)
    const large = await keep(store, `${hl7('C', 'LARGE', 'EVE', 'x')}OBX|1|ED|18842-5||^AP^PDF^Base64^${scan.repeat(3)}||||||F\r`)
    t.same(ids(await store.search({ text: 'everywoman', limit: 10 })), [id])
    t.same(ids(await store.search({ text: 'large base64', limit: 10 })), [large])
    t.same(ids(await store.search({ text: scan.slice(0, 100), limit: 10 })), [])
    const inLines = (end: string): string => scan.slice(0, 100_000).replace(/.{76}/g, `$&${end}`)
    const mails: number[] = []
    for (const end of ['\n', '\r\n']) mails.push(await keep(store, `Subject: PETUNIA${end}${end}${inLines(end)}${end}--x${end}Content-Type: text/plain${end}${end}BEGONIA${end}`))
    t.same(ids(await store.search({ text: 'petunia begonia', limit: 10 })), mails.reverse())
    t.same(ids(await store.search({ text: scan.slice(76, 152), limit: 10 })), [], 'nor in lines, as mails have them')
    const long = await keep(store, `https://heart.example/${'referrals/'.repeat(8)}HYACINTH\n${'x '.repeat(3000)}`)
    t.same(ids(await store.search({ text: 'hyacinth', limit: 10 })), [long], 'a long address is no document')
  })

  on('whatever is typed is words and nothing else', async (t, store) => {
    const id = await keep(store, hl7('A1', 'EVERYWOMAN', 'EVE', 'not pain OR near'))
    const words = ['"EVE', 'EVE"', 'EVE) OR (x', 'NEAR(EVE pain)', 'words:EVE', '-EVE', '^EVE', 'EVE NOT pain', 'EVE + pain', "EVE'; drop table message; --", 'EVE\0', '{EVE}:', '\u{E000}1 EVE', '* EVE', 'EVE "" pain']
    for (const text of words) await store.search({ text, limit: 10 }).catch(() => t.fail(text))
    t.same(ids(await store.search({ text: '"EVE" (pain)', limit: 10 })), [id])
    t.same(ids(await store.search({ text: 'EVE NOT pain', limit: 10 })), [id], 'NOT is a word like any other')
    t.same(ids(await store.search({ text: 'EVE OR xylophone', limit: 10 })), [])
    for (const text of ['', '***', '"^|~\\&"', '\u{E000}']) await t.rejects(store.search({ text, limit: 10 }), { code: 'USAGE', message: /no word/ }, `nothing to look for in ${JSON.stringify(text)}`)
    await t.rejects(store.search({ text: 'a '.repeat(21), limit: 10 }), { code: 'USAGE', message: /20 at most/ })
  })

  on('words go together with every other condition', async (t, store) => {
    const add = async (text: string, channel: string, type: string, at: Date, mrn: string, deliver: boolean): Promise<number> => {
      const id = await keep(store, text, { channel, at, header: { controlId: text, type } })
      await store.finish([finished(id, deliver ? [bound('x')] : [], { index: [{ name: 'mrn', value: mrn }] })], at)
      return id
    }
    const one = await add('red apple', CHANNEL, 'REF^I12', NOON, '1', true)
    const two = await add('red pear', CHANNEL, 'ADT^A01', after(7200), '2', true)
    const three = await add('red plum', 'other', 'REF^I12', after(14_400), '1', false)
    const { deliveries } = await claim(store, { limit: 1, at: after(20_000) })
    await store.settle([settled(deliveries[0] ?? { id: 0 }, 'error')])
    const expect = async (query: Partial<MessageQuery>, expected: readonly number[]): Promise<void> => {
      t.same(ids(await store.search({ text: 'red', limit: 10, ...query })), expected, JSON.stringify(query))
    }
    await expect({}, [three, two, one])
    await expect({ channel: CHANNEL }, [two, one])
    await expect({ channel: 'unheard of' }, [])
    await expect({ type: 'REF^I12' }, [three, one])
    await expect({ type: 'REF^I12', channel: 'other' }, [three])
    await expect({ since: after(60) }, [three, two])
    await expect({ until: after(7200) }, [two, one])
    await expect({ since: after(60), until: after(8000), channel: CHANNEL }, [two])
    await expect({ field: 'mrn', value: '1' }, [three, one])
    await expect({ field: 'mrn', value: '1', text: 're* pl*' }, [three])
    await expect({ status: 'error' }, [one])
    await expect({ status: 'filtered' }, [three])
    await expect({ status: 'queued' }, [two])
    await expect({ before: three, limit: 1 }, [two])
    await expect({ controlId: 'red apple', text: 'pear' }, [])
  })

  on('what is forgotten is not found by its words', async (t, store, reopen) => {
    const old = await pass(store, 'EVERYWOMAN old', [])
    const { id: kept } = await store.accept(arrival('EVERYWOMAN new', { at: after(100) }))
    t.same(ids(await store.search({ text: 'everywoman', limit: 10 })), [kept, old])
    t.equal(await store.expire(CHANNEL, 'content', after(50), 10), 1)
    t.same(ids(await store.search({ text: 'everywoman', limit: 10 })), [kept])
    t.same(ids(await store.search({ text: 'old', limit: 10 })), [])
    t.same(ids(await (await reopen()).search({ text: 'everywoman', limit: 10 })), [kept])
  })

  on('pages leave nothing out and repeat nothing, whatever is asked for', async (t, store) => {
    for (let n = 0; n < 60; n++) {
      const { id } = await store.accept(arrival(`word${n % 2} message ${n}`, { channel: `c${n % 3}`, header: { controlId: null, type: n % 5 === 0 ? null : `T${n % 4}` }, at: after(n) }))
      if (n % 7 > 0) await store.finish([finished(id, n % 2 ? [bound('x')] : [], { index: [{ name: 'mrn', value: `A${n % 2}` }] })], after(n))
    }
    const { deliveries } = await store.claim({ channel: 'c1', destination: 'ehr', lane: 0 }, 5, after(100))
    await store.settle(deliveries.map((delivery) => settled(delivery, 'error')))
    const queries: readonly Partial<MessageQuery>[] = [
      {}, { channel: 'c1' }, { type: 'T1' }, { channel: 'c1', type: 'T1' }, { status: 'received' }, { status: 'filtered' }, { status: 'transformed' }, { status: 'queued' }, { status: 'error' },
      { status: 'filtered', channel: 'c2' }, { value: 'A1' }, { value: 'A*' }, { text: 'word1' }, { text: 'wor*' }, { text: 'word1', channel: 'c1' }, { text: 'message', type: 'T2', status: 'queued' },
      { since: after(20), until: after(40) }, { channel: 'c0', since: after(20), status: 'filtered' },
    ]
    const whole = await store.search({ limit: 1000 })
    t.equal(whole.length, 60)
    for (const query of queries) {
      const all = ids(await store.search({ ...query, limit: 100 }))
      const pages: number[] = []
      for (let page = await store.search({ ...query, limit: 4 }); page.length > 0; page = await store.search({ ...query, limit: 4, before: pages.at(-1) ?? 0 })) pages.push(...ids(page))
      t.same(pages, all, JSON.stringify(query))
      t.ok(all.every((id, n) => n === 0 || id < (all[n - 1] ?? 0)), `newest first: ${all.length}`)
      if (query.type !== 'T2') t.ok(all.length > 0, 'some')
      const { channel, type } = query
      const expected = whole.filter((message) => (!channel || message.channel === channel) && (!type || message.header.type === type))
      if (Object.keys(query).every((name) => name === 'channel' || name === 'type')) t.same(all, ids(expected), 'and all of them')
    }
  })
}
