const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'this user has no permission',
  EPERM: 'this user has no permission',
  ELOOP: 'its links form a circle',
  ENAMETOOLONG: 'the name is too long',
};

/**
 * Why a path cannot be read, in words that name the path. Errors other than those of the system keep their message,
 * which names the path already.
 */
export function unreadable(path: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = REASONS[code ?? ''];
  return reason === undefined ? message : `cannot read ${path}: ${reason}`;
}
