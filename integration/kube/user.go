package kube

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// user is one that the API server knows by a token.
type user struct {
	name   string
	groups []string
	token  string
}

// newUsers returns the users of a cluster, each under the name of the program that
// speaks for it.
func newUsers() map[string]user {
	users := map[string]user{
		admin:                     {name: "admin", groups: []string{"system:masters"}},
		kubelet:                   {name: "system:node:" + NodeName, groups: []string{"system:nodes"}},
		"kube-scheduler":          {name: "system:kube-scheduler"},
		"kube-controller-manager": {name: "system:kube-controller-manager"},
		"kube-proxy":              {name: "system:kube-proxy"},
	}
	for key, u := range users {
		u.token = rand.Text()
		users[key] = u
	}
	return users
}

const (
	admin   = "admin"
	kubelet = "kubelet"
)

func tokensFile() string { return filepath.Join(stateDir, "tokens.csv") }

// writeUsers writes the API server's file of tokens, and for each user a kubeconfig.
func writeUsers(users map[string]user) error {
	var tokens bytes.Buffer
	table := csv.NewWriter(&tokens)
	for key, u := range users {
		if err := table.Write([]string{u.token, u.name, u.name, strings.Join(u.groups, ",")}); err != nil {
			return err
		}
		if err := clientcmd.WriteToFile(u.kubeconfig(), kubeconfigFile(key)); err != nil {
			return err
		}
	}
	table.Flush()
	return os.WriteFile(tokensFile(), tokens.Bytes(), 0o600)
}

func kubeconfigFile(key string) string { return filepath.Join(stateDir, key+".kubeconfig") }

func (u user) kubeconfig() api.Config {
	return api.Config{
		Clusters:       map[string]*api.Cluster{"local": {Server: apiServer, CertificateAuthority: certFile(clusterCA)}},
		AuthInfos:      map[string]*api.AuthInfo{u.name: {Token: u.token}},
		Contexts:       map[string]*api.Context{"local": {Cluster: "local", AuthInfo: u.name}},
		CurrentContext: "local",
	}
}

// config is that of a client which no limit of its own slows down.
func (u user) config() *rest.Config {
	return &rest.Config{
		Host:            apiServer,
		BearerToken:     u.token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: certFile(clusterCA)},
		QPS:             -1,
	}
}
