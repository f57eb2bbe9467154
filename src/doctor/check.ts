import type { Finding } from './findings.js';
import type { Side, Specimen } from './specimen.js';
import type { Habits, Student } from './student.js';

/** What a check sees besides the row. */
export interface Context {
  student: Student;
  habits: Habits;
  /** Rows with more tokens are left out of training. */
  limit: number;
}

/** Looks for one thing in each answer of a row. */
export type SideCheck = (side: Side, specimen: Specimen, context: Context) => Finding[];

/** Looks for one thing in a row. */
export type RowCheck = (specimen: Specimen, context: Context) => Finding[];
