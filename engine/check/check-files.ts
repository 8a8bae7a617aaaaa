/** Rules about the files of certificates and keys that settings name: whether they lie where the engine will look. */
import { existsSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { LoadedChannel } from '../channel-loader.js'
import type { Rule } from './check.js'
import { complaint } from '../complaint.js'
import type { Problem } from '../problem.js'
import type { Keys } from '../schema-errors.js'

const DEPTH = 8
/** What `tls:` of a connector calls what may be a file. */
const PEMS = ['ca', 'cert', 'key', 'clients']

/** A warning and no error: the computer that checks may be another than the one that runs. */
export const tlsFiles: Rule = (channels) => channels.flatMap((channel) => {
  const { source, destinations } = channel.definition
  return [
    ...missing(channel, source.settings, ['source', source.name]),
    ...destinations.flatMap(({ to }, at) => missing(channel, to.settings, ['destinations', at, 'to', to.name])),
  ]
})

const missing = (channel: LoadedChannel, settings: unknown, keys: Keys): Problem[] => {
  if (typeof settings !== 'object' || settings === null || keys.length > DEPTH) return []
  return Object.entries(settings).flatMap(([name, value]): Problem[] => {
    const here = [...keys, name]
    if (typeof value !== 'string') return missing(channel, value, here)
    if (keys.at(-1) !== 'tls' || !PEMS.includes(name) || !FILE.test(value) || placesOf(value, channel.file).some((place) => existsSync(place))) return []
    return [complaint(channel, here, 'warning', 'no-file', `The file \`${value}\` of \`tls.${name}\` is not here.`, 'Put it beside the channel file, name it by its whole path, or give its text as a secret: `${secret:name}`.')]
  })
}

/** What is written as the name of a file is; anything else may be a secret. */
const FILE = /^[\w ./\\:-]{1,200}\.[a-z]{2,5}$/i

/** As connectors look: beside the channel’s file, or else below the folder that the engine was started in. */
const placesOf = (name: string, file: string): readonly string[] => (isAbsolute(name) ? [name] : [resolve(dirname(resolve(file)), name), resolve(name)])
