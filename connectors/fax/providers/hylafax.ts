/** HylaFAX: its hooks (fixtures/fax/hylafax) post what was received and what became of jobs; jobs are submitted to hfaxd. */
import type { Provider, Sent } from '../provider.js'
import { HylafaxClient } from './hylafax-client.js'

const PORT = 4559

export const hylafax: Provider = {
  name: 'hylafax', shape: 'push', ways: ['basic', 'token', 'secret'], needs: { source: [], destination: ['host', 'user'] },
  async send(fax, { api }, signal) {
    let client: HylafaxClient
    try {
      client = await HylafaxClient.open(String(api.host), api.port ?? PORT, signal)
    } catch (error) {
      return { kind: 'unavailable', reason: `hfaxd cannot be reached (${(error as NodeJS.ErrnoException).code ?? 'no greeting'})` }
    }
    const progress = { submitting: false }
    try {
      return await submit(client, fax, api, signal, progress)
    } catch {
      return progress.submitting ? { kind: 'unknown', reason: 'the connection to hfaxd ended before the job was answered' } : { kind: 'unavailable', reason: 'the connection to hfaxd ended before the job was submitted' }
    } finally {
      client.close()
    }
  },
}

const submit = async (client: HylafaxClient, { to, tag, file }: Parameters<NonNullable<Provider['send']>>[0], api: Parameters<NonNullable<Provider['send']>>[1]['api'], signal: AbortSignal, progress: { submitting: boolean }): Promise<Sent> => {
  const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]+/g, ' ').replace(/["\\]/g, '')}"`
  const user = await client.ask(`USER ${api.user}`)
  const admitted = user.code === 331 ? await client.ask(`PASS ${api.password ?? ''}`) : user
  if (admitted.code !== 230) return { kind: 'unavailable', reason: `hfaxd answered ${admitted.code}: our user and password are not accepted there`, code: String(admitted.code) }
  for (const command of ['TYPE I', 'MODE S', 'STRU F', `FORM ${file.type === 'application/pdf' ? 'PDF' : 'TIFF'}`]) await client.ask(command)
  const stored = await client.store(file.content, signal)
  if (typeof stored !== 'string') return refusal('the document', stored.code)
  const job = await client.ask('JNEW')
  const id = /jobid: (\d+)/i.exec(job.text)?.[1]
  if (job.code !== 200 || id === undefined) return refusal('a new job', job.code)
  const parameters = [
    `FROMUSER ${quoted(String(api.user))}`, `DIALSTRING ${quoted(to)}`, `EXTERNAL ${quoted(to)}`, `JOBINFO ${quoted(tag)}`, 'LASTTIME 000300', 'MAXDIALS 1', 'MAXTRIES 1', 'SCHEDPRI 127', 'NOTIFY "none"', 'VRES 196', 'PAGEWIDTH 216', 'PAGELENGTH 279', `DOCUMENT ${stored}`,
  ]
  for (const parameter of parameters) {
    const { code } = await client.ask(`JPARM ${parameter}`)
    if (code >= 400) return refusal(`the job’s ${parameter.split(' ', 1)[0]}`, code)
  }
  progress.submitting = true
  const submitted = await client.ask('JSUBM')
  return submitted.code === 200 ? { kind: 'sent', id } : refusal('the job', submitted.code)
}

const refusal = (what: string, code: number): Sent =>
  code >= 500 && code !== 530 ? { kind: 'refused', reason: `hfaxd answered ${code} to ${what}`, code: String(code) } : { kind: 'unavailable', reason: `hfaxd answered ${code} to ${what}`, code: String(code) }
