/** OpenPGP of files, against GnuPG both ways: what is not for us, not signed or tampered with is put aside with its reason. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import fileDestination from '../../connectors/file/destination.js'
import fileSource from '../../connectors/file/source.js'
import { opening, sealing } from '../../engine/files/pgp.js'
import { setUp } from './file-tools.js'
import { accepted, deliveryOf, never, testTools } from './tools.js'

if (spawnSync('gpg', ['--version']).status !== 0) t.skip('gpg is not installed', async () => undefined)
else {
  const home = mkdtempSync(join(tmpdir(), 'refero-gpg-'))
  chmodSync(home, 0o700)
  const gpg = (args: readonly string[], input?: Buffer): Buffer => execFileSync('gpg', ['--homedir', home, '--batch', '--yes', '--quiet', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', 'open sesame', '--trust-model', 'always', ...args], { input: input ?? '', stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 2 ** 26 })
  t.teardown(() => {
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    rmSync(home, { recursive: true, force: true })
  })
  for (const [who, kind] of [['practice', 'default'], ['payer', 'future-default'], ['stranger', 'default']] as const) gpg(['--quick-generate-key', `${who}@heart.example`, kind, 'default', 'never'])
  const publicOf = (who: string): string => gpg(['--armor', '--export', `${who}@heart.example`]).toString()
  const secretOf = (who: string): string => gpg(['--armor', '--export-secret-keys', `${who}@heart.example`]).toString()
  const sealedBy = (bytes: Buffer, ...more: readonly string[]): Buffer => gpg(['--encrypt', '-r', 'practice@heart.example', '-o', '-', ...more], bytes)
  const list = Buffer.from('Referral Number,Last Name\r\n1,QUILLFEATHER\r\n')
  const practice = { key: secretOf('practice'), passphrase: 'open sesame' }
  const tools = (t: Test) => {
    const made = testTools(t.testdir())
    made.clock.advance(Date.now() - made.clock.now().getTime() + 60_000) // the keys are of this minute
    return made
  }

  t.test('what GnuPG sealed for us is opened, armored or not', async (t) => {
    const open = await opening({ ...practice, verify: publicOf('payer') }, 1_000_000, tools(t))
    for (const more of [[], ['--armor'], ['--compress-algo', 'none']]) t.strictSame(await open(sealedBy(list, '--sign', '-u', 'payer@heart.example', ...more)), list)
  })

  t.test('what cannot be trusted or read is refused with its reason, and without what is in it', async (t) => {
    const open = await opening({ ...practice, verify: publicOf('payer') }, 100_000, tools(t))
    const good = sealedBy(list, '--sign', '-u', 'payer@heart.example')
    const tampered = Buffer.from(good)
    tampered[good.length - 30] = (tampered[good.length - 30] ?? 0) ^ 1
    const cases: [string, Buffer, RegExp][] = [
      ['in the clear', list, /no OpenPGP message/],
      ['nothing at all', Buffer.alloc(20), /no OpenPGP message/],
      ['tampered with', tampered, /cannot be (?:opened|decrypted)/],
      ['cut off', good.subarray(0, good.length - 100), /cannot be (?:opened|decrypted)/],
      ['for another', gpg(['--encrypt', '-r', 'stranger@heart.example', '-o', '-'], list), /for another key/],
      ['with a password alone', gpg(['--symmetric', '-o', '-'], list), /not encrypted to a key/],
      ['signed only', gpg(['--sign', '-u', 'payer@heart.example', '-o', '-'], list), /not encrypted to a key/],
      ['not signed', sealedBy(list), /not signed/],
      ['signed by a stranger', sealedBy(list, '--sign', '-u', 'stranger@heart.example'), /signature is not by the key/],
      ['far larger once it is open', sealedBy(Buffer.alloc(20_000_000), '--sign', '-u', 'payer@heart.example'), /too large once it is open/],
    ]
    for (const [what, bytes, reason] of cases) await t.rejects(open(bytes), { name: 'MessageFault', message: reason }, what)
    const [seed, random] = [{ value: 7 }, (most: number): number => { seed.value = (seed.value * 1_103_515_245 + 12_345) % 2 ** 31; return seed.value % most }]
    for (let n = 0; n < 60; n++) {
      const broken = Buffer.from(good.subarray(0, 1 + random(good.length)))
      for (let times = random(4); times > 0; times--) broken[random(broken.length)] = random(256)
      if (!broken.equals(good)) await t.rejects(open(broken), { name: 'MessageFault' })
    }
  })

  t.test('what we seal GnuPG opens, and finds signed', async (t) => {
    for (const who of ['payer', 'practice']) {
      const seal = await sealing({ for: publicOf(who), ...practice }, tools(t))
      const sealed = await seal(list)
      t.notOk(sealed.includes('QUILLFEATHER'))
      const file = join(home, 'sealed')
      await writeFile(file, sealed)
      t.strictSame(gpg(['--decrypt', '--status-file', join(home, 'status'), file]), list)
      t.match(readFileSync(join(home, 'status'), 'utf8'), /GOODSIG .*practice@heart\.example/)
    }
  })

  t.test('a key that cannot be used is told of at the start', async (t) => {
    const world = tools(t)
    await t.rejects(opening({ key: practice.key }, 1000, world), /`pgp.key` is locked/)
    await t.rejects(opening({ key: practice.key, passphrase: 'wrong' }, 1000, world), /does not unlock/)
    await t.rejects(opening({ key: '-----BEGIN no key' }, 1000, world), /`pgp.key` is no armored private key/)
    await t.rejects(opening({ ...practice, verify: 'missing.asc' }, 1000, world), /`pgp.verify` is neither/)
    await t.rejects(sealing({ for: '-----BEGIN x' }, world), /`pgp.for` is no armored public key/)
  })

  t.test('a folder of sealed files: the good are handed over open, the others go to failed as they came', async (t) => {
    const setting = await setUp(t)
    setting.tools.clock.advance(Date.now() - setting.tools.clock.now().getTime() + 60_000)
    await writeFile(setting.at('a.pgp'), sealedBy(list))
    await writeFile(setting.at('b.pgp'), list)
    const taken: Buffer[] = []
    const source = fileSource.create({ folder: 'in', settle: '0s', pgp: practice }, setting.tools)
    await source.start(async ({ bytes }) => { taken.push(bytes); return accepted })
    t.teardown(() => source.stop())
    await setting.tools.clock.asleep(1000)
    t.strictSame(taken, [list])
    t.strictSame((await readdir(setting.at('failed'))).sort(), ['b.pgp', 'b.pgp.reason.txt'])
    t.strictSame(await readFile(setting.at('failed', 'b.pgp')), list)
    t.match(await readFile(setting.at('failed', 'b.pgp.reason.txt'), 'utf8'), /no OpenPGP message/)
    t.notOk(JSON.stringify(setting.tools.events).includes('QUILLFEATHER'))
  })

  t.test('a delivery is sealed once, though its bytes differ each time', async (t) => {
    const setting = await setUp(t)
    mkdirSync(setting.at('out'))
    const make = async () => {
      const destination = fileDestination.create({ folder: 'in/out', extension: 'pgp', pgp: { for: publicOf('payer') } }, setting.tools)
      setting.tools.clock.advance(Math.max(0, Date.now() - setting.tools.clock.now().getTime() + 60_000))
      await destination.open()
      return destination
    }
    for (const attempts of [1, 2]) t.strictSame(await (await make()).deliver(deliveryOf(list, { attempts }), never), { kind: 'sent' })
    const names = await readdir(setting.at('out'))
    t.equal(names.length, 1)
    t.match(names[0], /^MSG00001-7-[0-9a-f]{16}\.pgp$/)
    t.strictSame(gpg(['--decrypt', setting.at('out', names[0] ?? '')]), list)
  })
}
