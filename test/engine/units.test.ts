/** Durations, sizes, and the word that was probably meant. */
import t from 'tap'
import { didYouMean, nearest } from '../../engine/nearest.js'
import { duration, size } from '../../engine/units.js'

t.test('durations are read in milliseconds', async t => {
  const written = { '0s': 0, '250ms': 250, '2s': 2000, '5m': 300_000, '4h': 14_400_000, '90d': 7_776_000_000, '2y': 63_072_000_000, '999999999ms': 999_999_999 }
  for (const [text, milliseconds] of Object.entries(written)) t.equal(duration(text), milliseconds, text)
})

t.test('sizes are read in bytes, 1024 to the kB', async t => {
  const written = { '0B': 0, '64kB': 65_536, '20MB': 20_971_520, '1GB': 1_073_741_824 }
  for (const [text, bytes] of Object.entries(written)) t.equal(size(text), bytes, text)
})

t.test('anything else is refused with what is allowed', async t => {
  for (const text of ['', '5', '5 s', 's', '-1s', '1.5h', '05s', '1S', '1s\n', '9999999999s', '1 minute', '1kB']) t.throws(() => duration(text), /is not a duration: a whole number and one of ms, s, m, h, d, y/, JSON.stringify(text))
  for (const text of ['', '64', '64KB', '1 MB', '-1B', '1.5GB', '1kb', '1s']) t.throws(() => size(text), /is not a size: a whole number and one of B, kB, MB, GB/, JSON.stringify(text))
})

t.test('the nearest word is within a third of its letters, swaps counting once', async t => {
  t.equal(nearest('mlpp', ['http', 'mllp', 'file']), 'mllp')
  t.equal(nearest('acknowlege', ['acknowledge', 'acknowledgeWithin']), 'acknowledge')
  t.equal(nearest('MLLP', ['mllp']), 'mllp')
  t.equal(nearest('fax', ['mllp', 'http']), null)
  t.equal(nearest('ab', ['xy']), null)
  t.equal(nearest('x'.repeat(1_000_000), ['mllp']), null)
  t.equal(didYouMean('mlpp', ['mllp']), '; did you mean `mllp`?')
  t.equal(didYouMean('fax', ['mllp', 'http']), '; there are `http`, `mllp`.')
  t.equal(didYouMean('fax', []), '.')
})
