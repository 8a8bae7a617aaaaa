/** What a channel file needs of the folders where it was written, so that a deploy can bring it along. */
import { isUtf8 } from 'node:buffer'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Configuration, ownSettings, shippedMappings } from '../../../config/loader.js'
import { loadChannel } from '../../channel-loader.js'
import { fixtureAt, fixturesOf } from '../../fixtures.js'
import { openMappings } from '../../mappings.js'
import { type Problem, problemLine } from '../../problem.js'
import { findPieces } from '../../registry.js'
import type { BroughtFile } from '../../revisions/requests.js'
import { within } from '../../revisions/snapshot.js'

export interface Bringing {
  readonly files: readonly BroughtFile[]
  readonly notes: readonly string[] // why something is not brought
}

/** The scripts, the mappings of one's own and the fixtures of its tests that a channel file names. */
export async function bringing(file: string, text: string, configuration: Configuration): Promise<Bringing> {
  const settings = ownSettings(configuration.settings)
  const mappings = openMappings(settings.mappings, shippedMappings())
  const context = { pieces: await findPieces(), mappings, settings, environment: withStandIns(configuration.environment, text), secrets: (name: string) => configuration.secrets(name) ?? '1' }
  const { channel, problems } = await loadChannel(resolve(file), context, text)
  if (!channel) return { files: [], notes: [`What the channel needs cannot be told here, and nothing is brought along: ${first(problems)}`] }
  const folder = dirname(resolve(file))
  const notes: string[] = []
  const files = channel.files.flatMap((path): BroughtFile[] => {
    if (!existsSync(path) || within(shippedMappings(), path) !== null) return []
    const [mapping, script] = [within(settings.mappings, path), within(folder, path)]
    if (mapping !== null) return [read('mapping', mapping, path)]
    if (script !== null) return [read('script', script, path)]
    notes.push(`${path} lies neither beside the channel file nor in ${settings.mappings} and is not brought along.`)
    return []
  })
  const fixtures = fixturesOf(channel.definition).flatMap((name): BroughtFile[] => {
    const path = fixtureAt(settings.fixtures, name)
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return []
    const inside = within(settings.fixtures, resolve(settings.fixtures, name))
    if (inside !== null) return [read('fixture', inside, path)]
    notes.push(`${name} lies outside ${settings.fixtures} and is not brought along.`)
    return []
  })
  return { files: [...files, ...fixtures], notes }
}

/** What is set only where the engine runs changes nothing of which files a channel needs: a 1 stands for it. */
const withStandIns = (environment: Configuration['environment'], text: string): Configuration['environment'] =>
  ({ ...Object.fromEntries([...text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)].map(([, name]) => [name, '1'])), ...environment })

const first = (problems: readonly Problem[]): string => problems.filter(({ severity }) => severity === 'error').map(problemLine)[0] ?? ''

function read(kind: BroughtFile['kind'], path: string, file: string): BroughtFile {
  const bytes = readFileSync(file)
  return { kind, path, ...(isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString('base64') }) }
}
