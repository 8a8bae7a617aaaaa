/** The sets of our public keys on the engine's own web server: one a path, with the keys of everybody who publishes there. */
import type { JWK } from 'jose'
import type { Tools, WebHandler } from '../../engine/contracts.js'

interface Published { readonly keys: JWK[]; readonly stop: () => void }

const published = new WeakMap<Tools['serve'], Map<string, Published>>()

/** Serves a key on a path until the returned function is called; lanes and channels that say the same path share its set. Throws a sentence if another channel has the path. */
export const publish = (serve: Tools['serve'], path: string, key: JWK): (() => void) => {
  const paths = published.get(serve) ?? new Map<string, Published>()
  published.set(serve, paths)
  const keys = paths.get(path)?.keys ?? []
  if (!paths.has(path)) paths.set(path, { keys, stop: serve(path, answering(keys)) })
  keys.push(key)
  return () => {
    keys.splice(keys.indexOf(key), 1)
    if (keys.length > 0) return
    paths.get(path)?.stop()
    paths.delete(path)
  }
}

const answering = (keys: readonly JWK[]): WebHandler => async ({ method }) => {
  if (method !== 'GET') return { status: 405, headers: { allow: 'GET' } }
  const distinct = [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()]
  return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }, body: JSON.stringify({ keys: distinct }) }
}
