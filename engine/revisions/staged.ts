/** An installation as it would be with some of its files different: read from a copy, so that nothing that runs is touched. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Configuration } from '../../config/loader.js'
import { checkChannels } from '../check.js'
import { readInstallation } from '../installation.js'
import { inOrder, type Problem, problemLine, shown } from '../problem.js'
import type { Pieces } from '../registry.js'
import { nameOf, pathOf } from './snapshot.js'

/** The errors that an installation would have and does not have now, once the files by these paths had these contents. */
export async function errorsWith(files: ReadonlyMap<string, string>, configuration: Configuration, pieces: Pieces): Promise<readonly Problem[]> {
  const { settings } = configuration
  const copy = await mkdtemp(join(settings.data, 'revisions', '.staged-'))
  try {
    const staged = { channels: join(copy, 'channels'), mappings: join(copy, 'mappings') }
    for (const folder of ['channels', 'mappings'] as const) await cp(settings[folder], staged[folder], { recursive: true })
    for (const [path, content] of files) {
      const place = pathOf(nameOf(path, settings), staged)
      if (place) await writeFile(place, content)
    }
    const before = new Set((await problemsOf(configuration, pieces)).map(problemLine))
    const after = await problemsOf({ ...configuration, settings: { ...settings, ...staged } }, pieces)
    const real = (text: string): string => text.replaceAll(shown(staged.channels), shown(settings.channels)).replaceAll(shown(staged.mappings), shown(settings.mappings))
    return inOrder(after.map((problem) => ({ ...problem, file: real(problem.file), message: real(problem.message) })).filter((problem) => !before.has(problemLine(problem))))
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

async function problemsOf(configuration: Configuration, pieces: Pieces): Promise<Problem[]> {
  const { channels, problems, context } = await readInstallation(configuration, pieces)
  return [...problems, ...checkChannels(channels, context)].filter(({ severity }) => severity === 'error')
}
