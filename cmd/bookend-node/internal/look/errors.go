package look

import "errors"

var (
	// errNotReady says that it is not known yet whom to believe.
	errNotReady = errors.New("the certificate authority of the API server's request headers is not known yet")
	// errNoCertificate says that the API cannot be served yet.
	errNoCertificate = errors.New("the agents' certificate is not there yet")
	// errNoHeader says that the API server names no header of users.
	errNoHeader = errors.New("must name a header")
	// errStranger says that a caller is neither the API server nor an agent.
	errStranger = errors.New("the caller is neither the API server with its request-header certificate nor an agent of bookend")
	// errNoAgent says that no agent answers for a node.
	errNoAgent = errors.New("no agent of bookend-node is ready there")
	// errNotHere says that an agent was asked for a pod of another node.
	errNotHere = errors.New("the pod is on another node than the one that was asked")
	// errCertificates says that a file holds no certificate.
	errCertificates = errors.New("no certificate in PEM")
	// errRefused says that another agent does not believe this one.
	errRefused = errors.New("it does not take this agent's token")
	// errAnswer says that what answers is no agent.
	errAnswer = errors.New("this is no answer of an agent")
	// errTooLarge says that another agent sends more than it may.
	errTooLarge = errors.New("the answer of the node's agent is too large")
	// errSilent says that another agent stopped sending.
	errSilent = errors.New("the node's agent has stopped sending")
)
