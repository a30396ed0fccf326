import { why } from '../../problem.ts';

const WORDS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this host has no address or port left to connect from',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to its network',
  EPIPE: 'connection reset',
  // TLS
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by somebody who is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by somebody who is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by somebody who is not known here',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what answers there speaks no TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'what answers there speaks no TLS',
  EPROTO: 'what answers there speaks no TLS that is known here',
  // HTTP
  HPE_HEADER_OVERFLOW: 'the head of its answer is too long',
};

/** Why a connection or an exchange failed, in one line. */
export function netWords(error: unknown, host: string): string {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND') return `there is no host ${host}`;
  if (code === 'EAI_AGAIN') return `cannot look up the host ${host}: no name server answers`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `its certificate is not one for ${host}`;
  if (code === 'ECONNRESET' && message === 'socket hang up') return 'it closed the connection without an answer';
  const words = WORDS[code];
  if (words !== undefined) return words;
  if (code.startsWith('HPE_')) return 'its answer is no HTTP';
  if (code.startsWith('ERR_SSL_'))
    return `no TLS can be agreed on: ${code.slice(8).toLowerCase().replaceAll('_', ' ')}`;
  return why(error).split('\n', 1)[0] ?? code;
}
