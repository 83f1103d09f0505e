/** The one style sheet of a report: light, dark, narrow and printed. No font and no image is loaded. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--shade:#f6f8fa;
--good:#1a7f37;--bad:#b42318;--odd:#7a3ea1;--doubt:#8a5a00;--on:#fff;
--c-cipher:#2da44e;--c-plain:#cf222e;--c-odd:#8250df;--c-control:#0969da;--c-design:#9a8060;--c-received:#8c959f}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#a0abb6;--line:#3d444d;--paper:#0d1117;--shade:#161b22;
--good:#238636;--bad:#da3633;--odd:#8957e5;--doubt:#9e6a03}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:60rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:0 0 .5rem}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .3rem}
p{margin:.4rem 0}ul{margin:.4rem 0;padding-left:1.2rem}small,.soft{color:var(--soft)}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.87em}
.bar{padding:.9rem 1.1rem;border-radius:.4rem;color:var(--on);margin:0 0 1rem}
.bar b{display:block;font-size:1.5rem;line-height:1.25}
.pass{background:var(--good)}.fail{background:var(--bad)}.inconclusive{background:var(--odd)}.none{background:#57606a}
.cmd{display:block;background:var(--shade);border:1px solid var(--line);border-radius:.3rem;padding:.5rem .7rem;margin:.3rem 0}
table{border-collapse:collapse;width:100%;margin:.4rem 0;font-size:.92em}
th,td{border-bottom:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top}
th{font-weight:600}th,td{overflow-wrap:break-word}.facts td,.long td{overflow-wrap:anywhere}td.n,th.n{text-align:right;white-space:nowrap}
.facts th{width:9.5rem;font-weight:600}
.scroll{overflow-x:auto}.cols{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 1.5rem}.cols>*{min-width:0}
.matrix{width:auto}.matrix td{text-align:center;min-width:4.5rem;border:1px solid var(--line)}
.matrix th{border:1px solid var(--line);font-weight:500}
.matrix b{display:block;font-size:1.15rem;line-height:1.2}
td.encrypted{box-shadow:inset 0 0 0 2px var(--c-cipher)}td.plaintext{background:#b42318;color:#fff}
td.mixed{background:#7a1f5c;color:#fff}td.inconclusive{background:repeating-linear-gradient(45deg,var(--shade) 0 6px,var(--line) 6px 9px);color:var(--ink)}
td.same{background:var(--shade)}td small{color:inherit}
svg{display:block;max-width:100%;height:auto}svg text{fill:var(--ink);font:11px system-ui,sans-serif}
svg .soft{fill:var(--soft)}svg .frame{fill:none;stroke:var(--line)}
.m-encrypted{fill:var(--c-cipher)}.m-plaintext{fill:#8e1519}.m-mixed{fill:#5d1a70}.m-inconclusive{fill:url(#hatch)}
.hatch{stroke:var(--ink);stroke-width:1}
.l-ciphertext{fill:var(--c-cipher)}.l-pod-plaintext{fill:var(--c-plain)}.l-unexplained{fill:var(--c-odd)}
.l-control{fill:var(--c-control)}.l-by-design{fill:var(--c-design)}.l-received{fill:var(--c-received)}
.t-tap{fill:var(--c-control)}.t-step{stroke:var(--c-plain);stroke-dasharray:3 2}
.key svg{display:inline-block;vertical-align:-1px;margin-right:.4rem}
details{margin:.4rem 0}summary{cursor:pointer;font-weight:600}
pre{margin:.3rem 0;white-space:pre-wrap;background:var(--shade);border:1px solid var(--line);border-radius:.3rem;padding:.4rem .6rem}
.secret{background:#ffe3a3;color:#4a2c00}
@media (max-width:34rem){body{padding:.8rem}.facts th,.facts td{display:block;width:auto;border-bottom:0;padding:.1rem 0}
.facts td{border-bottom:1px solid var(--line);padding-bottom:.3rem}.bar b{font-size:1.2rem}th,td{padding:.2rem .3rem}}
@page{size:A4;margin:12mm}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--shade:#f4f4f4}
body{max-width:none;padding:0;font-size:8.5pt;line-height:1.35}h2{font-size:11pt;margin:.9rem 0 .3rem}h3{font-size:9.5pt;margin:.5rem 0 .2rem}p{margin:.2rem 0}.mono{font-size:6.8pt;line-height:1.25}small{font-size:7.5pt}.cols{grid-template-columns:1fr 1fr}.matrix td{min-width:0}.page+.page{break-before:page}.scroll{overflow:visible}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}tr,svg,.bar,.cmd,pre{break-inside:avoid}
h2,h3{break-after:avoid}details:not([open]){display:none}summary{list-style:none}}
`;
