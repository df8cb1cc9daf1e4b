import type { ComponentChildren, JSX } from 'preact';
import type { Address } from './address.ts';
import { go, hrefTo } from './model.ts';

type Props = Omit<JSX.AnchorHTMLAttributes<HTMLAnchorElement>, 'href' | 'onClick'> & {
  readonly to: { readonly [K in keyof Address]?: Address[K] | undefined };
  readonly children?: ComponentChildren;
  readonly 'data-opens'?: string;
  readonly 'data-index'?: number;
};

/** A link within the page. It changes the URL without loading the page again. */
export function Link({ to, children, ...rest }: Props) {
  const target = to as Partial<Address>;
  return (
    <a
      {...rest}
      href={hrefTo(target)}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(target);
      }}
    >
      {children}
    </a>
  );
}
