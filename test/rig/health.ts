/** Servers that behave badly in one way each, for probes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** All that it opened is closed with it. */
export class HealthRig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'reconciled-health-'));
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  async listen(server: Server | HttpServer, host = '127.0.0.1'): Promise<number> {
    this.#servers.push(server as Server);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return (server.address() as AddressInfo).port;
  }

  http(listener: RequestListener, host?: string): Promise<number> {
    return this.listen(createHttp(listener), host);
  }

  https(certificate: Certificate, listener: RequestListener): Promise<number> {
    return this.listen(createHttps(certificate, listener) as unknown as HttpServer);
  }

  /** `say`: what is done with each connection, once something was sent on it. */
  tcp(say: (socket: Socket) => void): Promise<number> {
    return this.listen(createTcp((socket) => socket.on('error', () => {}).once('data', () => say(socket))));
  }

  /** Signed by itself for `name`; of a time long ago where it `expired`. */
  certificate(name = 'localhost', expired = false): Certificate {
    const path = (file: string) => join(this.folder, file);
    const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe', cwd: this.folder });
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key'];
    openssl('req', '-new', ...kind, '-subj', `/CN=${name}`, '-out', 'request');
    writeFileSync(
      path('config'),
      `[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:${name}\n`,
    );
    writeFileSync(path('index'), '');
    writeFileSync(path('serial'), '01\n');
    const time = expired ? ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'] : ['-days', '2'];
    const signed = ['-selfsign', '-keyfile', 'key', '-in', 'request', '-extensions', 'e', '-out', 'cert'];
    openssl('ca', '-config', 'config', '-batch', '-notext', ...time, ...signed);
    return { key: readFileSync(path('key'), 'utf8'), cert: readFileSync(path('cert'), 'utf8') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
    rmSync(this.folder, { recursive: true });
  }
}
