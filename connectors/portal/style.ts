/** How the pages look: plain, readable, and the same on a phone and on paper. */

export const STYLE = `:root{color-scheme:light;--ink:#1c2733;--soft:#51606f;--line:#8795a3;--pale:#f4f6f8;--accent:#0b5c8a;--deep:#084566;--wrong:#a8200d}
*{box-sizing:border-box}
body{margin:0;background:var(--pale);color:var(--ink);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
header,footer,main{max-width:46rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;justify-content:space-between;align-items:center;gap:1rem;padding-top:1.25rem;padding-bottom:1.25rem}
header a{color:var(--deep);font-weight:600;text-decoration:none}
header form{margin:0;padding:0;border:0;background:none;box-shadow:none}
header button{background:none;color:var(--soft);padding:.25rem .5rem;font-weight:400;margin:0;text-decoration:underline}
header button:hover{background:none;color:var(--ink)}
main{background:#fff;border-radius:.75rem;box-shadow:0 1px 3px rgb(28 39 51/.12);padding-top:1.5rem;padding-bottom:2rem;outline:none}
footer{color:var(--soft);font-size:.9375rem;padding-top:1.25rem;padding-bottom:2rem}
h1{font-size:1.75rem;line-height:1.2;margin:.25rem 0 1rem}
h2{font-size:1.2rem;margin:2rem 0 .5rem}
a{color:var(--accent)}
fieldset{border:0;border-top:1px solid #d9dfe5;margin:1.75rem 0 0;padding:1.25rem 0 0;min-width:0}
legend{float:left;width:100%;font-weight:600;font-size:1.2rem;padding:0;margin-bottom:.75rem}
legend+*{clear:both}
.fields{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));gap:1rem 1.25rem;align-items:end}
.fields .field:has(textarea){grid-column:1/-1}
.field{margin:0 0 .25rem}.fields+.field{margin-top:1rem}
label{display:block;font-weight:600;font-size:1rem}
.required{color:var(--soft);font-weight:400;font-size:.875rem}
.hint{color:var(--soft);margin:0 0 .25rem;font-size:.9375rem}
.error{color:var(--wrong);margin:0 0 .25rem;font-weight:600;font-size:.9375rem}
input,select,textarea{width:100%;font:inherit;color:inherit;background:#fff;border:1px solid var(--line);border-radius:.4rem;padding:.5rem .65rem;min-height:2.75rem}
input[type=file]{padding:.5rem;background:var(--pale);border-style:dashed}
.wrong input,.wrong select,.wrong textarea{border:2px solid var(--wrong)}
:focus-visible{outline:3px solid #f2a900;outline-offset:2px}
button{font:inherit;font-weight:600;color:#fff;background:var(--accent);border:0;border-radius:.4rem;padding:.65rem 1.4rem;min-height:2.75rem;margin-top:1.25rem;cursor:pointer}
button:hover{background:var(--deep)}
.errors{border:2px solid var(--wrong);border-radius:.5rem;padding:.75rem 1.25rem;margin-bottom:1.25rem}
.errors h2{margin:0 0 .25rem;color:var(--wrong)}
.errors a{color:var(--wrong)}
.errors ul,.plain{margin:0;padding-left:1.2rem}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:#fff;padding:.5rem}
.reference{font-size:1.9rem;font-weight:700;letter-spacing:.04em;margin:.25rem 0 1rem;font-variant-numeric:tabular-nums}
.now{font-size:1.25rem;font-weight:600;margin:0}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,17rem),1fr));gap:0 2.5rem}
.timeline{list-style:none;margin:.5rem 0 0;padding:0;border-left:3px solid #cfd8e0}
.timeline li{position:relative;padding:0 0 1rem 1.25rem}
.timeline li::before{content:"";position:absolute;left:-.55rem;top:.45rem;width:.9rem;height:.9rem;border-radius:50%;background:var(--accent);border:2px solid #fff}
.timeline time{display:block;color:var(--soft);font-size:.9375rem}
.note{background:#e8f2f8;border-radius:.5rem;padding:.75rem 1.25rem}
.progress:empty{display:none}
@media print{body{background:#fff}main{box-shadow:none}header form,form,.skip,.noprint{display:none}a{color:inherit}}
`
