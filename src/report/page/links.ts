/** @file Addresses of the model's links. */
import { address } from './route.js';

/** The address of a link; what follows its first part is one id. */
export const hrefOf = (link: string): string => {
  const [view = '', id] = link.split(/\/(.*)/s);
  return address(id === undefined ? [view] : [view, id]);
};
