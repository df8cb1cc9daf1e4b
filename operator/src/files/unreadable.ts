const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'this user has no permission',
  EPERM: 'this user has no permission',
  ELOOP: 'its links form a circle',
  ENAMETOOLONG: 'the name is too long',
};

/**
 * Describes why a path cannot be read. A message of an error of this program is kept, because it names the path.
 */
export function unreadable(path: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = REASONS[code ?? ''];
  return reason === undefined ? message : `cannot read ${path}: ${reason}`;
}
