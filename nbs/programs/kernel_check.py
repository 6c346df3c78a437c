"""The kernel against the plain operations, by Triton's interpreter: `TRITON_INTERPRET=1 python kernel_check.py`.

Prints the number of cases and the largest differences, in units of what rounding allows."""
import itertools, json, math
from unittest import mock
import torch
from sigmoid_cl import fused
from sigmoid_cl.kernel import has_kernel, kernel_sums
from sigmoid_cl.losses import pair_loss, pair_signs, pair_weights, sigmoid_loss, unit_rows, view_pairs
from sigmoid_cl.selection import GroupPartners, OwnPartners, group_shares

def definition(u, v, t, b, signs, weights, gamma, threshold, detach):
    "Sum of losses, gradients of cosines' rows, slope and count in double precision"
    u,v,b = (o.double().requires_grad_() for o in (u,v,b))
    z = t.double()*u@v.T + b
    loss = weights*pair_loss(signs*z, gamma if threshold is None else 0., detach)
    keep = (signs>0) | (signs<0)&(True if threshold is None else z>math.log(threshold/(1-threshold)))
    loss = (loss*keep).sum()
    gu,gv,gb = torch.autograd.grad(loss, (u,v,b))
    return loss.detach(),gu/t.double(),gv/t.double(),gb,keep.sum()

def sides(kind, n, k, views):
    "Partners, signs and weights of a kind"
    g,h = torch.arange(n)%5,torch.arange(k)%4
    if kind=='own': return OwnPartners(k),pair_signs(torch.zeros(k, k)).repeat(views, 1),torch.ones(n, k)
    if kind=='none': return OwnPartners(),-torch.ones(n, k),torch.ones(n, k)
    if kind=='left out':
        g = torch.arange(k)%5
        signs = pair_signs(torch.zeros(k, k), g, g, 'ignore').repeat(views, 1)
        return GroupPartners(g, g, own=OwnPartners(k)).rows(views),signs,signs.abs()
    signs = pair_signs(torch.zeros(n, k), g, h)
    if kind=='mean': return GroupPartners(g, h, group_shares(g, h, torch.float32)),signs,pair_weights(signs, 'mean')
    return GroupPartners(g, h),signs,torch.ones(n, k)

assert has_kernel(torch.zeros(1))
torch.manual_seed(0)
cases,worst_loss,worst_grad = 0,0.,0.
losses = (dict(), dict(gamma=1.), dict(gamma=.3), dict(gamma=1., detach=True), dict(threshold=.05))
for kind,(k,views),kw in itertools.product(('own','none','groups','mean','left out'), ((7,3),(45,1)), losses):
    n = k*views if kind in ('own','left out') else k+4
    partners,signs,weights = sides(kind, n, k, views)
    for dtype,t,b,side in ((torch.float32,8.,-3.,None),(torch.float32,9e3,-1e3,16),(torch.bfloat16,8.,-3.,16)):
        u,v = (unit_rows(torch.randn(o, 6)).to(dtype) for o in (n,k))
        t,b = torch.tensor(t),torch.tensor(b)
        if kw.get('threshold') and (((t*u.float()@v.float().T+b)-math.log(.05/.95)).abs()<1e-3*t).any(): continue
        du,dv = torch.zeros(n, 6),torch.zeros(k, 6)
        got = kernel_sums(u, v, t, b, partners, du=du, dv=dv, side=side, **kw)
        cos = (u@v.T).float() # in the precision of the tile
        want = definition(u.float(), v.float(), t, b, signs, weights, kw.get('gamma', 0.), kw.get('threshold'), kw.get('detach', False))
        eps = 3e-7 if dtype==torch.float32 else 8e-3
        scale = 4*eps*(2+abs(t)+abs(b))*(1+kw.get('gamma', 0.))
        worst_loss = max(worst_loss, ((got[0]-want[0]).abs()/(scale*(n+want[0]))).item())
        for a,c in ((du,want[1]),(dv,want[2]),(got[1],want[3])): worst_grad = max(worst_grad, ((a-c).abs().max()/(scale*(k+n))).item())
        assert got[2]==want[4] and got[0].isfinite() and du.isfinite().all(), (kind, kw)
        quiet = kernel_sums(u, v, t, b, partners, side=side, **kw) # without gradients
        assert torch.equal(quiet[0], got[0]) and torch.equal(quiet[2], got[2])
        cases += 1

def whole(**kw):
    "Largest difference of loss and gradients of several views, as on a GPU, from the definition"
    args = [torch.randn(3, 20, 5).requires_grad_(),torch.randn(2, 20, 5).requires_grad_(),torch.tensor(8.).requires_grad_(),torch.tensor(-3.).requires_grad_()]
    with mock.patch.object(fused, 'loss_path', lambda *a,**k: 'kernel'): got = fused.fused_sigmoid_loss(*args, **kw)
    want = torch.stack([sigmoid_loss(args[0][i], args[1][j], *args[2:], **kw) for i,j in view_pairs(3, 2)]).mean()
    return max(*((a-c).abs().max().item() for a,c in zip(torch.autograd.grad(got, args), torch.autograd.grad(want, args))), (got-want).abs().item())

ids = torch.arange(20)//3
views = max(whole(**kw) for kw in (dict(), dict(gamma=1.), dict(threshold=.05), dict(groups=ids, positives='mean'), dict(groups=ids, same='ignore')))
print(json.dumps(dict(cases=cases, loss=worst_loss, gradient=worst_grad, views=views)))
