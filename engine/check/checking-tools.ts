/** What pieces are given while a channel is only checked: everything to read, nothing that acts; what they read is noted. */
import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { csvOf } from '../code-rows.js'
import type { LoadContext } from '../channel-loader.js'
import type { Tools } from '../contracts.js'
import { shown } from '../problem.js'
import { toolsFor } from '../world.js'

export interface CheckingTools {
  readonly tools: Tools
  readonly files: ReadonlySet<string> // asked for so far, whether they are there or not
}

export const checkingTools = ({ pieces, mappings, settings }: LoadContext, channelFile: string): CheckingTools => {
  const files = new Set<string>()
  const clock = { now: () => new Date(), sleep: () => Promise.resolve() }
  const world = { pieces, mappings, clock, log: () => {}, dataFolder: settings.data, serve: () => () => {} }
  const tools = toolsFor(world, channelFile, () => Promise.reject(new Error('nothing is sent while a channel is only checked')))
  const reading = {
    table: (name: string) => {
      const file = mappings.file(`codes/${name}`)
      files.add(file)
      if (existsSync(csvOf(file))) files.add(csvOf(file))
      return tools.table(name)
    },
    mapping: (path: string) => {
      files.add(mappings.file(path))
      return tools.mapping(path)
    },
    beside: (name: string) => {
      const path = isAbsolute(name) ? name : join(dirname(resolve(channelFile)), name)
      files.add(path)
      try {
        return tools.beside(name)
      } catch (error) {
        throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Error(`there is no file ${shown(path)}`, { cause: error }) : error
      }
    },
  }
  return { tools: { ...tools, ...reading }, files }
}
