#include "sheet/review_assets.h"

namespace klio::sheet {

// Colours have a contrast of at least 4.5 to what they stand on, in both themes.
const char* const review_style = R"css(
:root{--paper:#f6f6f7;--card:#fff;--text:#1a1a1e;--faint:#595963;--line:#d6d6dc;--stage:#dcdce0;
--accent:#0b5cad;--on:#fff;--reference:#8a4b00;--failure:#b3261e}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){--paper:#151518;--card:#1f1f24;
--text:#ececf0;--faint:#a6a6b2;--line:#3a3a43;--stage:#0c0c0e;--accent:#8fc1ff;--on:#0b1a2b;
--reference:#f2b23c;--failure:#ff8a80}}
:root[data-theme=dark]{--paper:#151518;--card:#1f1f24;--text:#ececf0;--faint:#a6a6b2;--line:#3a3a43;
--stage:#0c0c0e;--accent:#8fc1ff;--on:#0b1a2b;--reference:#f2b23c;--failure:#ff8a80}
*{box-sizing:border-box}
html{color-scheme:light dark;background:var(--paper);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
:root[data-theme=light]{color-scheme:light}:root[data-theme=dark]{color-scheme:dark}
body{margin:0 auto;padding:16px clamp(12px,2.5vw,40px) 48px;max-width:1920px}
h1{font-size:1.25rem;line-height:1.3;margin:0;overflow-wrap:anywhere}
h2{font-size:1rem;margin:0}
p{margin:0}
header{display:flex;gap:24px;align-items:flex-start;justify-content:space-between;
margin-bottom:12px}
header .tools{flex:none}
header p,.note{color:var(--faint);font-size:.875rem}
button{font:inherit;font-size:.875rem;color:var(--text);background:var(--card);
border:1px solid var(--line);border-radius:6px;padding:5px 12px;min-height:34px;cursor:pointer}
button:hover{border-color:var(--accent)}
button[aria-pressed=true]{background:var(--accent);border-color:var(--accent);color:var(--on)}
button:disabled{color:var(--faint);cursor:default;border-color:var(--line)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-999px}
.skip:focus{left:12px;top:8px;background:var(--card);padding:8px 12px;z-index:9}
.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center}
.tools label{display:flex;gap:8px;align-items:center;font-size:.875rem;color:var(--faint)}
.tools input{width:clamp(120px,20vw,320px);accent-color:var(--accent)}
.bar{justify-content:space-between;margin-bottom:8px}
#viewer{background:var(--stage);border-radius:8px;overflow:hidden;display:flex;gap:8px;
justify-content:center;align-items:center;min-height:240px;height:min(66vh,900px);padding:8px;
position:relative}
.pane{position:relative;flex:1 1 0;min-width:0;height:100%;display:flex;flex-direction:column;
align-items:center;justify-content:center;gap:4px}
.pane .fit{flex:1 1 0;min-height:0;width:100%;position:relative}
.pane .fit>img{position:absolute;inset:0;width:100%;height:100%;object-fit:contain}
.pane .tag{font-size:.8125rem;color:var(--faint);max-width:100%;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap}
.pane .tag.reference{color:var(--reference);font-weight:600}
#overlay{position:relative;touch-action:none;cursor:ew-resize}
#overlay .layer{position:absolute;inset:0;overflow:hidden}
#over-frame{object-fit:contain}
#overlay img{position:absolute;user-select:none;-webkit-user-drag:none}
#overlay .seam{position:absolute;top:0;bottom:0;width:2px;background:#fff;
box-shadow:0 0 0 1px rgba(0,0,0,.6);transform:translateX(-1px);pointer-events:none}
#overlay .seam::after{content:"";position:absolute;top:50%;left:50%;width:28px;height:28px;
border-radius:50%;transform:translate(-50%,-50%);background:#fff;
box-shadow:0 0 0 1px rgba(0,0,0,.6)}
#overlay .seam::before{content:"\2194";position:absolute;z-index:1;top:50%;left:50%;
transform:translate(-50%,-52%);color:#111;font-size:18px;line-height:1}
[hidden]{display:none!important}
#now{margin:8px 0 20px;font-size:.9375rem;overflow-wrap:anywhere}
section.strip{margin:0 0 24px}
.head{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:baseline;margin-bottom:8px}
.thumbs{list-style:none;margin:0;padding:0;display:grid;gap:12px;
grid-template-columns:repeat(auto-fill,minmax(min(200px,45%),1fr))}
.thumbs button,.failed{display:block;width:100%;padding:6px;text-align:left;background:var(--card)}
.thumbs button img{display:block;width:100%;height:auto;aspect-ratio:16/9;object-fit:contain;
background:var(--stage);border-radius:3px}
.thumbs button span{display:block;padding-top:4px;overflow-wrap:anywhere}
.thumbs small{color:var(--faint);font-size:.8125rem}
.thumbs .reference b{color:var(--reference)}
.thumbs button[aria-pressed=true]{background:var(--card);color:var(--text);
border-color:var(--accent);box-shadow:0 0 0 2px var(--accent)}
.failed{border:2px solid var(--failure);border-radius:6px;padding:14px;max-width:60rem;
overflow-wrap:anywhere}
.failed b{color:var(--failure);text-transform:uppercase;letter-spacing:.04em}
details{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:12px 0 0}
summary{padding:10px 14px;cursor:pointer;font-weight:600}
.facts{padding:0 14px 14px;display:grid;gap:16px;
grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr))}
.facts h3{font-size:.875rem;margin:0}
.facts .title{display:flex;justify-content:space-between;align-items:center;gap:8px;
margin-bottom:6px;min-height:34px}
pre,.prompt{margin:0;padding:10px 12px;background:var(--paper);border:1px solid var(--line);
border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;max-height:20rem;overflow:auto}
pre{font:.8125rem/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
table{border-collapse:collapse;width:100%;font-size:.875rem}
th{font-weight:400;color:var(--faint);text-align:left;vertical-align:top;padding:2px 14px 2px 0;
white-space:nowrap}
td{padding:2px 0;overflow-wrap:anywhere}
dialog{border:1px solid var(--line);border-radius:10px;background:var(--card);color:var(--text);
padding:20px 24px;max-width:min(460px,92vw)}
dialog::backdrop{background:rgba(0,0,0,.55)}
dialog table{margin:12px 0}
kbd{font:.8125rem ui-monospace,"DejaVu Sans Mono",monospace;border:1px solid var(--line);
border-bottom-width:2px;border-radius:4px;padding:1px 6px;background:var(--paper)}
@media (max-width:700px){header{flex-direction:column}#viewer{height:56vh}
#viewer.side{flex-direction:column}.pane{width:100%}}
@media print{.tools,#viewer,#now,header .tools{display:none}details{break-inside:avoid}}
)css";

} // namespace klio::sheet
