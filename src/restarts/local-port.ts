/** Where a service means to listen on this host. */
export interface LocalPort {
  /** As its probe has it. */
  readonly host: string;
  readonly port: number;
}

/** Who listens on one of these in a service's stead, in words: `127.0.0.1:8010 is in use by pid 812 nginx`. */
export type WhoListens = (ports: readonly LocalPort[], owner: string, id: string) => Promise<string | undefined>;
