import { TroupeError } from '../../core/errors.ts'

/** What Redis says, and what a caller is told. The first that matches counts. */
const kinds: readonly (readonly [pattern: RegExp, code: 'store/full' | 'store/newer-format' | 'store/readonly' | 'store/failed' | 'config/invalid', hint: string])[] = [
  // Redis 6.2 puts it behind the name of the script.
  [/\bOOM command not allowed/, 'store/full', 'Redis has reached its maxmemory: raise it, or let completed runs go sooner'],
  [/^NEWER /, 'store/newer-format', 'upgrade this process'],
  [/^READONLY /, 'store/readonly', 'this is a replica, which takes no writes: give the address of the primary'],
  [/^NOPERM /, 'config/invalid', 'the ACL of this user lacks what Troupe needs: see deploy/redis/users.acl'],
  [/^(?:WRONGPASS|NOAUTH) |invalid username-password|Authentication required/, 'config/invalid', 'the user or password in the URL is not right'],
  [/self-signed certificate|unable to (?:get|verify)/, 'config/invalid', 'no authority that this machine trusts has signed the certificate: name the file of its CA in the URL, ?ca=./ca.pem'],
  [/certificate has expired|certificate is not yet valid/, 'config/invalid', "renew the server's certificate, or set this machine's clock"],
  [/does not match certificate's altnames/, 'config/invalid', 'the certificate is for another name: write that one in the URL'],
  [/alert certificate required|alert bad certificate|alert unknown ca|alert handshake failure/, 'config/invalid', 'the server asks for a certificate that it trusts: name its files in the URL, ?cert=./cert.pem&key=./key.pem'],
  [/no answer to the TLS handshake/, 'config/invalid', 'this port does not seem to speak TLS: give that of tls-port, or begin with redis://'],
  [/ECONNRESET/, 'store/failed', 'the connection was cut; where it always is, the port may be one for TLS: rediss://'],
  [/^LOADING /, 'store/failed', 'Redis is still loading its data: try again soon'],
  [/^MISCONF /, 'store/failed', 'Redis cannot write to its disk and takes no writes: see its log'],
  [/^(?:CLUSTERDOWN|MASTERDOWN|TRYAGAIN) /, 'store/failed', 'the cluster cannot serve this slot now'],
  [/^BUSY /, 'store/failed', 'a script keeps Redis busy'],
]

/** An error of the client as one of Troupe. `what` names the server. */
export function toStoreError(error: unknown, what: string): TroupeError {
  if (error instanceof TroupeError) return error
  const message = error instanceof Error ? deepestMessage(error) : String(error)
  for (const [pattern, code, hint] of kinds) {
    if (pattern.test(message)) return new TroupeError(code, `${what} refused: ${message.slice(0, 200)} (${hint})`, { cause: error, details: { server: what } })
  }
  return new TroupeError('store/failed', `${what} did not answer as it should: ${message.slice(0, 200)}`, { cause: error, details: { server: what } })
}

/** A cluster hides why behind 'failed to refresh slots cache'. */
function deepestMessage(error: Error): string {
  const { lastNodeError } = error as Error & { readonly lastNodeError?: Error }
  return lastNodeError instanceof Error ? `${error.message} ${lastNodeError.message}` : error.message
}
