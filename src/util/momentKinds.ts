/** @file Names in what an optimizer may keep its moments. */

export const momentKinds = ['f32', '8bit'] as const;
export type MomentKind = (typeof momentKinds)[number];
