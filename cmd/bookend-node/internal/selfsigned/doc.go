// Package selfsigned gives a webhook's replicas a certificate that the API server
// trusts, where no one else does (cert-manager), and renews it without a request
// that fails.
//
// Everything is in one Secret: certificate authorities, the newest with its key, and
// a serving certificate. All replicas read it. Whoever first sees that something is
// due writes the next state, and the API server's resourceVersion lets only one
// win: there is no leader. Lifetimes.next decides from the certificates' own dates; a
// replica remembers no more than when it first saw an authority where it must be
// known, and waits again after a restart:
//
//	serving certificate past 2/3 of its life   a new one, by the newest authority
//	newest authority past 2/3 of its life      a new one beside it, which signs nothing yet
//	it is in every webhook configuration,      a new serving certificate, by it
//	and has been for [Lifetimes].Settle
//	all that an older one signed has expired   the older one goes
//
// So the API server knows an authority before it sees a certificate by it, and goes
// on to know the older one for as long as any replica could still serve what that
// has signed. Only a Secret that was deleted or damaged is replaced at once: until
// the API server knows the new authority, a moment later, requests fail.
//
// # Concurrency
//
// One goroutine runs [Keeper.Run], which alone writes. [Keeper.GetCertificate] is
// called by all connections, and reads an atomic pointer.
package selfsigned
