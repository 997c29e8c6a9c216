/* tree.c - nodes in the order of their keys
 *
 * Invariants
 *  1. In order, keys do not descend.
 *  2. No node is heavier than its parent. A node's weight is a hash of its address, as
 *     good as random, so that the depth is O(log n) expected in whatever order nodes
 *     come.
 */
#include "schedule/tree.h"

#include <stddef.h>

static uint64_t weight(const struct tree_node *n)
{
    uint64_t x = (uintptr_t)n;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Put `n`, or nothing, where `old` hangs. */
static void hang(struct tree *t, const struct tree_node *old, struct tree_node *n)
{
    struct tree_node *up = old->up;
    if (up == NULL)
        t->root = n;
    else if (up->left == old)
        up->left = n;
    else
        up->right = n;
    if (n != NULL)
        n->up = up;
}

/* Let `n` and its parent change places. */
static void rotate_up(struct tree *t, struct tree_node *n)
{
    struct tree_node *up = n->up;
    struct tree_node *between;
    hang(t, up, n);
    if (up->left == n) {
        between = n->right;
        up->left = between;
        n->right = up;
    } else {
        between = n->left;
        up->right = between;
        n->left = up;
    }
    if (between != NULL)
        between->up = up;
    up->up = n;
}

static struct tree_node *rightmost(struct tree_node *n)
{
    while (n->right != NULL)
        n = n->right;
    return n;
}

static struct tree_node *before(struct tree_node *n)
{
    if (n->left != NULL)
        return rightmost(n->left);
    while (n->up != NULL && n->up->left == n)
        n = n->up;
    return n->up;
}

void tree_insert_before(struct tree *t, struct tree_node *next, struct tree_node *n)
{
    n->left = NULL;
    n->right = NULL;
    n->up = next == NULL ? t->last : next;
    if (next == NULL)
        t->last = n;
    else if (next->left != NULL)
        n->up = rightmost(next->left);

    if (n->up == NULL)
        t->root = n;
    else if (n->up == next)
        next->left = n;
    else
        n->up->right = n;
    while (n->up != NULL && weight(n) > weight(n->up))
        rotate_up(t, n);
}

void tree_insert(struct tree *t, struct tree_node *n)
{
    struct tree_node *next = NULL;
    for (struct tree_node *at = t->root; at != NULL;) {
        if (at->key > n->key) {
            next = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    tree_insert_before(t, next, n);
}

void tree_remove(struct tree *t, struct tree_node *n)
{
    if (t->last == n)
        t->last = before(n);
    while (n->left != NULL && n->right != NULL)
        rotate_up(t, weight(n->left) > weight(n->right) ? n->left : n->right);
    hang(t, n, n->left != NULL ? n->left : n->right);
}

struct tree_node *tree_floor(const struct tree *t, uint64_t key)
{
    struct tree_node *found = NULL;
    for (struct tree_node *at = t->root; at != NULL;) {
        if (at->key <= key) {
            found = at;
            at = at->right;
        } else {
            at = at->left;
        }
    }
    return found;
}
