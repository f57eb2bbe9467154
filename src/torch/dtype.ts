/** @file Names the element types of tensors. */
/** Maps the names of element types in recipes and flags to libtorch's ScalarType. */
export const dtypeCodes = {
  u8: 0,
  i8: 1,
  i16: 2,
  i32: 3,
  i64: 4,
  f16: 5,
  f32: 6,
  f64: 7,
  bool: 11,
  bf16: 15,
} as const;

export type Dtype = keyof typeof dtypeCodes;

const names = new Map<number, Dtype>(Object.entries(dtypeCodes).map(([name, code]) => [code, name as Dtype]));

export function dtypeOf(code: number): Dtype {
  const name = names.get(code);
  if (name === undefined) throw new Error(`tensors of libtorch's scalar type ${code} are not supported`);
  return name;
}

/** Bytes per element. */
export const dtypeSize: Record<Dtype, number> = {
  u8: 1,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  f16: 2,
  f32: 4,
  f64: 8,
  bool: 1,
  bf16: 2,
};
