/** Puts variables and secrets in the place of `${NAME}`, `${NAME:default}` and `${secret:name}`. */
import { join } from 'node:path'
import { nearest } from './nearest.js'
import { shown } from './problem.js'

/** Where values come from. */
export interface Sources {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The secret of that name, or undefined. */
  readonly secrets: (name: string) => string | undefined
  /** Where a secret of that name can be put, for people. */
  readonly secretPlace: (name: string) => string
}

export interface Substituted {
  readonly value: string | number | boolean | null
  readonly variables: readonly string[]
  readonly secrets: readonly string[]
  /** Whether something stands in for a variable that is not set. */
  readonly defaulted: boolean
  readonly wrong: readonly { readonly rule: 'variable' | 'secret'; readonly message: string; readonly hint: string }[]
}

/** Where people put a secret, given the folder of secrets. */
export const secretPlace = (folder: string, name: string): string => `the file ${shown(join(folder, name))}, or in the environment as ${secretVariable(name)}`

/** `mllp-cert` → REFERO_SECRET_MLLP_CERT */
export const secretVariable = (name: string): string => `REFERO_SECRET_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`

/** Whether there is anything to put in place. */
export const hasSubstitutes = (text: string): boolean => text.includes('${')

/**
 * Resolves one scalar. `plain` (written without quotes) and wholly one variable: `8420`, `true` and `null` become what YAML reads
 * them as, so that `port: ${PORT:2575}` is a number; a text such as `012`, which a number would change, stays text. Secrets always do.
 */
export const substitute = (text: string, plain: boolean, sources: Sources): Substituted => {
  const variables: string[] = []
  const secrets: string[] = []
  const wrong: Substituted['wrong'][number][] = []
  let defaulted = false
  const value = text.replace(PART, (whole: string, inner: string | undefined) => {
    if (whole === '$${') return '${'
    const secret = inner === undefined ? null : SECRET.exec(inner)
    if (secret?.[1] !== undefined) {
      const name = secret[1]
      secrets.push(name)
      const found = sources.secrets(name)
      if (found === undefined) wrong.push({ rule: 'secret', message: `There is no secret called \`${name}\`.`, hint: `Put it in ${sources.secretPlace(name)}.` })
      return found ?? whole
    }
    const variable = inner === undefined ? null : VARIABLE.exec(inner)
    if (variable?.[1] === undefined) {
      wrong.push({ rule: 'variable', message: `\`${whole.slice(0, 60)}\` is neither a variable nor a secret.`, hint: HOW })
      return whole
    }
    const [, name, otherwise] = variable
    variables.push(name)
    const found = Object.hasOwn(sources.environment, name) ? sources.environment[name] : undefined
    if (found !== undefined) return found
    if (otherwise === undefined) wrong.push(missing(name, sources))
    defaulted = true
    return otherwise ?? whole
  })
  const whole = plain && variables.length === 1 && secrets.length === 0 && WHOLE.test(text)
  return { value: whole && wrong.length === 0 ? typed(value) : value, variables, secrets, defaulted, wrong }
}

const missing = (name: string, { environment }: Sources): Substituted['wrong'][number] => {
  const near = nearest(name, Object.keys(environment))
  return { rule: 'variable', message: `The environment has no \`${name}\`${near === null ? '.' : `; did you mean \`${near}\`?`}`, hint: `Set it, or say what holds without it: \${${name}:default}.` }
}

const HOW = `Write \${NAME}, \${NAME:default} or \${secret:name}; for the characters themselves write $\${.`

const PART = /\$\$\{|\$\{([^{}]*)\}|\$\{/g
const WHOLE = /^\$\{[^{}]*\}$/
const SECRET = /^secret:([A-Za-z0-9][A-Za-z0-9._-]{0,99})$/
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]{0,99})(?::(.*))?$/s

const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null }

const typed = (text: string): Substituted['value'] => {
  if (Object.hasOwn(WORDS, text)) return WORDS[text] ?? null
  return text !== '' && String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text
}
