/** Every transform found on disk, against the suite of transforms.ts. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { example, fixture, pieces, ROOT, transformTools } from '../transforms/tools.js'
import { transformConformance } from './transforms.js'

const tools = transformTools({ 'split-names.js': example('script', 'js') })
const messages = [...['hl7v2', 'fhir', 'json', 'xml', 'mime'].flatMap((folder) => readdirSync(join(ROOT, 'fixtures', folder)).map((name) => fixture(`${folder}/${name}`))), fixture('x12/278-request.x12'), fixture('table/list-row.csv')]

t.test('every folder of transforms/ is a transform', async (t) => {
  const folders = readdirSync(join(ROOT, 'transforms'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  t.same([...pieces.transforms.keys()].sort(), folders.sort())
})

for (const definition of pieces.transforms.values()) transformConformance(t, definition, messages, tools)
