/** What `refero check` says of a `watch:` that is well written and does not do what it seems to. */
import type { Rule } from '../check/check.js'
import { complaint } from '../complaint.js'

/** Times of the week that nothing is measured by, and what no sender or receiver could be waited for. */
export const watches: Rule = channels => channels.flatMap(channel => {
  const { watch, source } = channel.definition
  const idle = (name: string, why: string, what = '') => complaint(channel, ['watch', name], 'warning', 'no-effect', `\`${name}\` has no effect: ${why}.`, what, 'key')
  return [
    ...(watch.hours !== undefined && watch.silent === undefined && watch.disconnected === undefined ? [idle('hours', 'only `silent` and `disconnected` count the time within them', 'Say `silent` too.')] : []),
    ...(watch.zone !== undefined && watch.hours === undefined ? [idle('zone', 'it is that of `hours`, which are not said')] : []),
    ...(watch.silent !== undefined && source.name === 'incidents' ? [idle('silent', 'no incident for a long time is how it should be', 'Remove it.')] : []),
  ]
})
