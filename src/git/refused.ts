import { Failure } from '../problem.ts';

/** A commit that is not to be taken, whoever tries again: another one is needed. */
export class Refused extends Failure {}
