/** What only the file of the tool's configuration can say. */
export interface Settings {
  /** Where the desired state is fetched from; absent: it is a directory of this host. */
  readonly git?: GitSettings;
  /** Absent: any commit is taken. */
  readonly trust?: TrustSettings;
  /** The group that may ask the daemon what is, and nothing else. */
  readonly readGroup?: string;
  readonly watch?: WatchSettings;
}

/** A desired state in a repository elsewhere. All paths absolute. */
export interface GitSettings {
  /** As git takes it: `git@host:repo.git`, `https://…`, `file:///…`, a path. */
  readonly url: string;
  /** A branch or a tag; absent: what the remote's HEAD points to. */
  readonly ref?: string;
  /** The folder of the desired state in the repository; absent: its top. */
  readonly path?: string;
  /** ms between two looks at the remote; some jitter is added. */
  readonly poll: number;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  /** Holds a token for https, and nothing else. */
  readonly tokenFile?: string;
  /** As in git-credential(7). */
  readonly credentialHelper?: string;
}

export interface TrustSettings {
  /** A file of allowed signers, as in ssh-keygen(1), kept outside of the repository. */
  readonly signedBy: string;
}

export interface WatchSettings {
  /** ms between two looks at the files, where their file system tells nothing (NFS); absent: it tells. */
  readonly poll?: number;
}

/** The file as it is written: durations as text, paths relative to its folder. */
export interface WrittenFile {
  readonly desiredState?: string | undefined;
  readonly runtimeDir?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly logDir?: string | undefined;
  readonly host?: string | undefined;
  readonly git?:
    | ({ readonly url: string } & {
        readonly [K in Exclude<keyof GitSettings, 'url'>]?: string | undefined;
      })
    | undefined;
  readonly trust?: TrustSettings | undefined;
  readonly readGroup?: string | undefined;
  readonly watch?: { readonly poll?: string | undefined } | undefined;
}
