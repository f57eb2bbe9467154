export interface LlamaCppFixture {
  version: string;
  tokens: number;
  models: Record<string, { sha256: string; architecture: string; ids: number[][]; greedy: number[][] }>;
}
