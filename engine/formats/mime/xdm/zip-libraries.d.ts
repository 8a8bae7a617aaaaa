/** What is used of yauzl 3 and yazl 3, which bring no types. */
declare module 'yauzl' {
  import type { Readable } from 'node:stream'
  export interface Entry { readonly fileName: string; readonly compressedSize: number; readonly uncompressedSize: number; isEncrypted(): boolean }
  export interface ZipFile { readonly entryCount: number; close(): void; readEntry(): void; on(event: 'entry', listener: (entry: Entry) => void): this; on(event: 'end', listener: () => void): this; on(event: 'error', listener: (error: Error) => void): this; openReadStreamPromise(entry: Entry): Promise<Readable> }
  export function fromBufferPromise(buffer: Buffer, options: { lazyEntries: true; strictFileNames: boolean; validateEntrySizes: boolean }): Promise<ZipFile>
}
declare module 'yazl' {
  import type { Readable } from 'node:stream'
  export class ZipFile {
    readonly outputStream: Readable
    addBuffer(content: Buffer, path: string, options: { mtime: Date; mode: number; forceDosTimestamp: boolean }): void
    end(): void
  }
}
