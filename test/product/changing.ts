/** Channels of tests that change them, and a product that runs two. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { framed, freePort, startProduct } from './product.js'

export const channel = (name: string, port: number, extra = ''): string => `name: ${name}
description: for a test
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
${extra}
destinations:
  - name: out
    to: { file: { folder: "\${REFERO_DATA}/${name}" } }
`
export const message = (id: string, type = 'ADT^A01'): Buffer => framed(`MSH|^~\\&|A|B|C|D|20260302||${type}|${id}|P|2.5.1\rPID|1||123\r`)
export const ORU_ONLY = 'steps: [ { keep: { types: [ORU] } } ]'

/** A product with the channels `one` and `two`, and how to change the first. */
export async function changing(t: Test, channels: (ports: readonly [number, number]) => Record<string, string> = ([a, b]) => ({ one: channel('one', a), two: channel('two', b) }), env: NodeJS.ProcessEnv = {}) {
  const ports = [await freePort(), await freePort()] as const
  const product = await startProduct(t, { channels: channels(ports), env })
  const [path, file] = ['/api/channels/one', join(product.folder, 'channels/one.yaml')]
  return {
    product, ports, path, file,
    now: async () => (await product.api(path)).body,
    put: async (text: string, basedOn: string | null, more: object = {}) => product.api(path, { text, basedOn, by: 'ada', why: 'a test', ...more }, {}, 'PUT'),
    onDisk: () => readFileSync(file, 'utf8'),
    newest: async () => (await product.api('/api/messages?channel=one')).body.messages[0]?.status,
  }
}
