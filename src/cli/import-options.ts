/** The flags of `reconcile import`. */
export interface ImportOptions {
  readonly units?: true | readonly string[];
  readonly supervisord?: true | readonly string[];
  readonly cron?: boolean;
  readonly processes?: boolean;
  readonly pid?: readonly string[];
  readonly envDir?: string;
  readonly supervisor?: string;
  readonly rewrite?: boolean;
  readonly force?: boolean;
  readonly adopt?: boolean;
}
