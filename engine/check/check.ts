/** Looks at channels as a careful colleague would: what each file can be read as, but cannot be meant, or cannot work beside the others. */
import type { LoadContext, LoadedChannel } from '../channel-loader.js'
import { claims, leads } from './check-joins.js'
import { tlsFiles } from './check-files.js'
import { paths } from './check-paths.js'
import { contradictions, fileNames } from './check-settings.js'
import { unreachable } from './check-steps.js'
import { tests } from './check-tests.js'
import { inOrder, type Problem } from '../problem.js'
import { watches } from '../watch/check.js'

/** Looks at all channels together, so that it can compare them. */
export type Rule = (channels: readonly LoadedChannel[], context: LoadContext) => Problem[]

const RULES: readonly Rule[] = [claims, leads, paths, contradictions, fileNames, unreachable, tests, watches, tlsFiles]

/** Every problem of channels that could be loaded, beyond what loading them has said already; in the order of files and lines. */
export const checkChannels: Rule = (channels, context) => inOrder(RULES.flatMap(rule => rule(channels, context)))
