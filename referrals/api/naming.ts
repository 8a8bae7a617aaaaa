/** Providers by their names where the desk's words have only their ids. */
import type { ProviderDirectory } from '../providers/directory.js'

const PROVIDER = /\bprovider (\d+)\b/g
const TO_EHR = /\b(to|for) ehr ([a-z][a-z0-9-]*)/g

/** Looks up whoever the texts name: "to provider 17" becomes "to Ines Bell, Meadow Family Medicine". Who is not there any more stays a number. */
export async function naming(providers: Pick<ProviderDirectory, 'get'>, texts: readonly (string | null | undefined)[]): Promise<(text: string) => string> {
  const ids = [...new Set(texts.flatMap((text) => [...(text ?? '').matchAll(PROVIDER)].map(([, id = '']) => id)))]
  const found = await Promise.all(ids.map((id) => providers.get(id)))
  const names = new Map(found.flatMap((one, at) => {
    const person = one?.name ? [...one.name.given.slice(0, 1), one.name.family].filter(Boolean).join(' ') : null
    const words = [person, one?.practice].filter(Boolean).join(', ')
    return words === '' ? [] : [[ids[at] ?? '', words] as const]
  }))
  return (text) => text.replace(PROVIDER, (whole, id: string) => names.get(id) ?? whole).replace(TO_EHR, '$1 the EHR $2')
}
