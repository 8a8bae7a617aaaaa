/** The sets of our public keys on the engine's own web server: one a path, with the keys of everybody who publishes there. */
import type { JWK } from 'jose'
import type { Tools, WebHandler } from '../../engine/contracts.js'

interface Published { readonly keys: JWK[]; readonly stop: () => void }

const published = new WeakMap<Tools['serve'], Map<string, Published>>()

/** Serves keys on a path until the returned function is called; lanes and channels that say the same path share its set. Throws a sentence if another channel serves something else there, or another key is called the same. */
export const publish = (serve: Tools['serve'], path: string, added: readonly JWK[]): (() => void) => {
  const paths = published.get(serve) ?? new Map<string, Published>()
  published.set(serve, paths)
  const keys = paths.get(path)?.keys ?? []
  const clash = added.find((key) => keys.some((other) => other.kid === key.kid && JSON.stringify(other) !== JSON.stringify(key)))
  if (clash) throw new Error(`another key is published at ${path} by the name of \`${clash.kid}\`: servers could not tell them apart; give one of them another \`keyId\`.`)
  if (!paths.has(path)) paths.set(path, { keys, stop: serve(path, answering(keys)) })
  keys.push(...added)
  return () => {
    for (const key of added) keys.splice(keys.indexOf(key), 1)
    if (keys.length > 0) return
    paths.get(path)?.stop()
    paths.delete(path)
  }
}

const answering = (keys: readonly JWK[]): WebHandler => async ({ method }) => {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' } }
  const distinct = [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()]
  return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }, body: JSON.stringify({ keys: distinct }) }
}
