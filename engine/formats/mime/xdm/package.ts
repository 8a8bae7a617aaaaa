/** The package of documents that a mail carries: loose, with METADATA.XML among its attachments (as XDR brings it), or in an XDM zip. */
import { attachmentsOf, contentOf, type Mail, type Part } from '../mail.js'
import { readMetadata, type XdmPackage } from './read.js'
import { type File, type ZipLimits, readZip, ZIP_LIMITS } from './zip.js'

const ZIP = /^application\/(?:zip|x-zip|x-zip-compressed|octet-stream|x-xdm|xdm)$/
const METADATA = /(?:^|\/)METADATA\.XML$/i

/** The attachments with names of a mail that has METADATA.XML among them; null where it has not. */
export const looseFiles = (mail: Part): readonly File[] | null => {
  const files = attachmentsOf(mail).flatMap(({ filename, part }) => (filename ? [{ path: filename, content: contentOf(part) }] : []))
  return files.some(({ path }) => METADATA.test(path)) ? files : null
}

/** The files of a mail's package as they were carried, METADATA.XML among them; null where it carries none. Rejects with a MessageFault for a zip that cannot be taken. */
export const filesOf = async (mail: Mail, limits: ZipLimits = ZIP_LIMITS): Promise<readonly File[] | null> => {
  const loose = looseFiles(mail)
  if (loose) return loose
  for (const { type, part } of attachmentsOf(mail)) {
    const content = ZIP.test(type) ? contentOf(part) : null
    if (!content?.subarray(0, 4).equals(ZIP_START)) continue
    const files = await readZip(content, limits)
    if (files.some(({ path }) => METADATA.test(path))) return files
  }
  return null
}

/** The documents of a mail's package with what its metadata say of them; null where it carries none. Rejects as `filesOf` does. */
export const packageOf = async (mail: Mail, limits: ZipLimits = ZIP_LIMITS): Promise<XdmPackage | null> => {
  const files = await filesOf(mail, limits)
  return files && readMetadata(files)
}

const ZIP_START = Buffer.from('PK\x03\x04', 'latin1')
