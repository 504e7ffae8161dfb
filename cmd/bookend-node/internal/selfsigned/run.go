package selfsigned

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Retries after an error wait from minRetry to maxRetry.
const (
	minRetry = time.Second
	maxRetry = time.Minute
)

// Run keeps the certificate until ctx ends. It also looks when the Secret changes, or
// one of the webhook configurations.
func (k *Keeper) Run(ctx context.Context) error {
	changes := make(chan struct{}, 1)
	stop, err := k.watch(ctx, func() {
		select {
		case changes <- struct{}{}:
		default: // a look is due already
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	retry := minRetry
	for {
		again, err := k.Reconcile(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			k.o.Log.Error("certificates", "error", err)
			again, retry = retry, min(2*retry, maxRetry)
		default:
			retry = minRetry
		}
		timer := time.NewTimer(again)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-changes:
			timer.Stop()
		}
	}
}

// watch calls changed whenever what the certificate depends on may have changed.
// stop ends that, and waits for its end.
func (k *Keeper) watch(ctx context.Context, changed func()) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	only := func(name string) informers.SharedInformerOption {
		return informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		})
	}
	secrets := informers.NewSharedInformerFactoryWithOptions(k.o.Client, 0, informers.WithNamespace(k.o.Namespace), only(k.o.Secret))
	factories := []informers.SharedInformerFactory{secrets}
	watched := []cache.SharedIndexInformer{secrets.Core().V1().Secrets().Informer()}
	for _, t := range k.o.Targets {
		if w, ok := t.(MutatingWebhooks); ok {
			f := informers.NewSharedInformerFactoryWithOptions(k.o.Client, 0, only(w.Name))
			factories = append(factories, f)
			watched = append(watched, f.Admissionregistration().V1().MutatingWebhookConfigurations().Informer())
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { changed() },
		UpdateFunc: func(any, any) { changed() },
		DeleteFunc: func(any) { changed() },
	}
	for _, w := range watched {
		if _, err := w.AddEventHandler(handler); err != nil {
			cancel()
			return nil, err
		}
	}
	for _, f := range factories {
		f.Start(ctx.Done())
	}
	return func() {
		cancel()
		for _, f := range factories {
			f.Shutdown()
		}
	}, nil
}
