import { posix } from 'node:path';
import { expect, it } from '@jest/globals';
import { anchors, links } from './anchors.ts';
import { sources } from './repository.ts';

it('links lead to headings that exist', () => {
  const documents = sources('.md');
  const dead: string[] = [];
  for (const [path, text] of documents) {
    for (const { target, fragment } of links(text)) {
      const to = target === '' ? path : posix.normalize(posix.join(posix.dirname(path), target));
      const document = documents.get(to);
      if (document !== undefined && !anchors(document).has(fragment)) dead.push(`${path}: ${target}#${fragment}`);
    }
  }
  expect(dead).toEqual([]);
});

it('anchors are made of headings, not of comments in code', () => {
  expect([...anchors('# A `b`, c\n## A\n## A\n```bash\n# no heading\n```\n')]).toEqual(['a-b-c', 'a', 'a-1']);
});

it('reads links to headings here and in other files, not those elsewhere', () => {
  expect(links('[a](b.md#c) [d](#e) [f](g.md) [h](https://i.example#j) `[k](l#m)`')).toEqual([
    { target: 'b.md', fragment: 'c' },
    { target: '', fragment: 'e' },
  ]);
});
