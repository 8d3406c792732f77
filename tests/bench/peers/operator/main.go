// Command operator is the comparator of turnkeeper-operator: controller-runtime, tuned as its users tune it, that makes the
// same objects for each TurnCluster.
//
//	operator --kubeconfig-file FILE --objects FILE --metrics-listen 127.0.0.1:8081
//
// FILE of --objects: a JSON list of objects of a TurnCluster called "x-name-x" in the namespace "x-namespace-x" with the uid
// "x-uid-x", and last the TurnCluster with the status to give it. They are applied as text, with those three replaced: no
// builders, no marshalling. An object that its cache shows with the same turnkeeper.io/applied-hash is not written again.
// When they are there, an Event says so, by the manager's recorder.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	owner       = client.FieldOwner("peer")
	hash        = "turnkeeper.io/applied-hash"
	clusterName = "x-name-x"
	namespace   = "x-namespace-x"
	uid         = "x-uid-x"
)

var turnCluster = schema.GroupVersionKind{Group: "turnkeeper.io", Version: "v1alpha1", Kind: "TurnCluster"}

type template struct {
	kind string
	name string
	hash string
	text []byte
}

type reconciler struct {
	client.Client
	events    record.EventRecorder
	templates []template
	status    []byte
}

func empty(kind string) client.Object {
	switch kind {
	case "ConfigMap":
		return &corev1.ConfigMap{}
	case "Secret":
		return &corev1.Secret{}
	case "Service":
		return &corev1.Service{}
	case "ServiceAccount":
		return &corev1.ServiceAccount{}
	case "StatefulSet":
		return &appsv1.StatefulSet{}
	case "PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}
	case "NetworkPolicy":
		return &networkingv1.NetworkPolicy{}
	}
	panic("no such kind: " + kind)
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	cluster := &unstructured.Unstructured{}
	cluster.SetGroupVersionKind(turnCluster)
	if err := r.Get(ctx, request.NamespacedName, cluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	replace := func(text []byte) []byte {
		text = bytes.ReplaceAll(text, []byte(clusterName), []byte(request.Name))
		text = bytes.ReplaceAll(text, []byte(namespace), []byte(request.Namespace))
		return bytes.ReplaceAll(text, []byte(uid), []byte(cluster.GetUID()))
	}
	for _, t := range r.templates {
		object := empty(t.kind)
		key := types.NamespacedName{Namespace: request.Namespace, Name: string(replace([]byte(t.name)))}
		err := r.Get(ctx, key, object)
		if err == nil && (t.kind == "Secret" || object.GetAnnotations()[hash] == t.hash) {
			continue
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return ctrl.Result{}, err
		}
		object = empty(t.kind)
		object.SetNamespace(key.Namespace)
		object.SetName(key.Name)
		patch := client.RawPatch(types.ApplyPatchType, replace(t.text))
		if err := r.Patch(ctx, object, patch, owner, client.ForceOwnership); err != nil {
			return ctrl.Result{}, err
		}
	}
	generation, _, _ := unstructured.NestedInt64(cluster.Object, "status", "observedGeneration")
	if generation == cluster.GetGeneration() {
		return ctrl.Result{}, nil
	}
	if generation == 0 {
		r.events.Event(cluster, corev1.EventTypeNormal, "Created", "the relays of eu are being set up")
	}
	patch := client.RawPatch(types.ApplyPatchType, replace(r.status))
	return ctrl.Result{}, r.Status().Patch(ctx, cluster, patch, owner, client.ForceOwnership)
}

// The children, and the TurnCluster's status.
func load(path string) ([]template, []byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var objects []json.RawMessage
	if err := json.Unmarshal(text, &objects); err != nil {
		return nil, nil, err
	}
	if len(objects) == 0 {
		return nil, nil, fmt.Errorf("%s: no objects", path)
	}
	last := len(objects) - 1
	var templates []template
	for _, object := range objects[:last] {
		var meta metav1.PartialObjectMetadata
		if err := json.Unmarshal(object, &meta); err != nil {
			return nil, nil, err
		}
		templates = append(templates, template{meta.Kind, meta.Name, meta.Annotations[hash], object})
	}
	return templates, objects[last], nil
}

func run() error {
	kubeconfig := flag.String("kubeconfig-file", "", "how to reach the API server")
	objects := flag.String("objects", "", "what to make for a TurnCluster")
	metrics := flag.String("metrics-listen", "0", "where to serve metrics")
	flag.Parse()
	templates, status, err := load(*objects)
	if err != nil {
		return err
	}
	log.SetLogger(zap.New())
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	ours, err := labels.Parse("turnkeeper.io/cluster")
	if err != nil {
		return err
	}
	byObject := map[client.Object]cache.ByObject{}
	for _, t := range templates {
		byObject[empty(t.kind)] = cache.ByObject{Label: ours}
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: *metrics},
		Cache:   cache.Options{ByObject: byObject, DefaultTransform: cache.TransformStripManagedFields()},
		Client:  client.Options{Cache: &client.CacheOptions{Unstructured: true}},
	})
	if err != nil {
		return err
	}
	cluster := &unstructured.Unstructured{}
	cluster.SetGroupVersionKind(turnCluster)
	builder := ctrl.NewControllerManagedBy(manager).Named("turncluster").For(cluster).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4})
	owned := map[string]bool{}
	for _, t := range templates {
		if !owned[t.kind] {
			builder = builder.Owns(empty(t.kind))
		}
		owned[t.kind] = true
	}
	if err := builder.Complete(&reconciler{manager.GetClient(), manager.GetEventRecorderFor("peer"), templates, status}); err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
