import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A key pair of OpenSSH in files, that commits can be signed with in this process: a program for each would cost ms. */
export interface SshKey {
  readonly file: string;
  /** `ssh-ed25519 AAAA…` */
  readonly line: string;
  /** The armoured signature that `ssh-keygen -Y sign -n git` makes of a text. */
  sign(text: string): string;
}

/** Makes `file` and `file.pub` by ssh-keygen. */
export function makeKey(file: string): SshKey {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  const line = readFileSync(`${file}.pub`, 'utf8').trim();
  const wire = Buffer.from(line.split(' ')[1] ?? '', 'base64');
  const key = privateKeyOf(readFileSync(file, 'utf8'));
  return { file, line, sign: (text) => signature(text, wire, key) };
}

/** A line of a file of allowed signers. */
export function signer(name: string, { line }: SshKey): string {
  return `${name} namespaces="git" ${line}\n`;
}

/** PROTOCOL.sshsig of OpenSSH. */
function signature(text: string, publicKey: Buffer, key: KeyObject): string {
  const about = [field('git'), field(''), field('sha512')];
  const digest = createHash('sha512').update(text).digest();
  const signed = sign(null, Buffer.concat([Buffer.from('SSHSIG'), ...about, field(digest)]), key);
  const blob = Buffer.concat([
    Buffer.from('SSHSIG\0\0\0\x01'),
    field(publicKey),
    ...about,
    field(Buffer.concat([field('ssh-ed25519'), field(signed)])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----'].join('\n');
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** PROTOCOL.key of OpenSSH: one ed25519 key without a passphrase. */
function privateKeyOf(text: string): KeyObject {
  const bytes = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  let at = 'openssh-key-v1\0'.length;
  const next = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  next(); // cipher
  next(); // derivation
  next(); // its options
  at += 4; // one key
  next(); // public
  at += 4 + 8; // the length of the private part, two check numbers
  next(); // its kind
  const x = next().toString('base64url');
  const d = next().subarray(0, 32).toString('base64url');
  return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x, d } });
}
