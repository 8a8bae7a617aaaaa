/** Finds secrets that are written into a channel file instead of `${secret:name}`. */
import type { FoundPieces } from '../channel-pieces.js'
import { problemAt } from '../complaint.js'
import type { Problem } from '../problem.js'
import type { Pieces } from '../registry.js'
import type { Keys } from '../schema-errors.js'
import type { YamlSource } from '../yaml-source.js'

const SECRET = /^(?:.*(?:secret|token|password|passphrase)|(?:(?:api|private|access)[-_]?)?key|authorization)$/i
const KEY_FILE = /^\.{0,2}\/|\.(?:pem|key|p12|pfx)$/i
const CREDENTIALS = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:[^/@\s]+@/i

/** Whether a setting of this name, written so, is one that must not be shown. */
export const isSecret = (key: string, text: string): boolean => CREDENTIALS.test(text) || (SECRET.test(key) && !(/key$/i.test(key) && KEY_FILE.test(text)))

/** Any depth of a connector's settings; of a step's, the settings that its own schema names. */
export const secretsInClear = (yaml: YamlSource, { source, destinations, steps }: FoundPieces, pieces: Pieces): Problem[] => {
  const connectors = [source, ...destinations.map(({ to }) => to)].filter(piece => piece !== null)
  const transforms = [steps, ...destinations.map(each => each.steps)].flat().filter(piece => piece !== null)
  const within = (keys: Keys): boolean => {
    if (connectors.some(piece => begins(keys, piece.keys))) return true
    const step = transforms.find(piece => begins(keys, piece.keys) && keys.length === piece.keys.length + 1)
    const properties: Readonly<Record<string, unknown>> = (step && (pieces.transforms.get(step.name)?.settings as { properties?: Record<string, unknown> })?.properties) ?? {}
    return String(keys.at(-1)) in properties
  }
  const problems: Problem[] = []
  for (const [keys, { text, value, variables, secrets, defaulted }] of yaml.scalars()) {
    const key = [...keys].reverse().find(each => typeof each === 'string')
    const clear = typeof value === 'string' && value !== '' && secrets.length === 0 && (variables.length === 0 || defaulted)
    if (!clear || typeof key !== 'string' || !within(keys)) continue
    if (!isSecret(key, text)) continue
    problems.push(problemAt(yaml, keys, { rule: 'secret-in-clear', message: `\`${key}\` is a secret, and is written here for all to read.`, hint: `Keep it out of the file: write \${secret:a-name}.` }))
  }
  return problems
}

const begins = (keys: Keys, beginning: Keys): boolean => beginning.every((key, index) => keys[index] === key)
