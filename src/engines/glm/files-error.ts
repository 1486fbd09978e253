/** Something about a checkpoint's or a model's files that its owner can mend, said in a sentence. */
export class FilesError extends Error {
  override readonly name = 'FilesError';
}
