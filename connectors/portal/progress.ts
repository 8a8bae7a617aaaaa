/** The one script of the pages: how far an upload has come, and the summary of what is wrong in focus. Without it everything works too. */

export const PROGRESS = `'use strict'
var errors = document.querySelector('.errors')
if (errors) errors.focus()
var form = document.querySelector('form[data-sending]')
if (form && window.FormData && window.XMLHttpRequest) {
  form.addEventListener('submit', function (event) {
    var files = form.querySelector('input[type=file]')
    if (!files || files.files.length === 0) return
    event.preventDefault()
    var said = form.querySelector('.progress')
    var button = form.querySelector('button[type=submit]')
    var request = new XMLHttpRequest()
    button.disabled = true
    request.upload.onprogress = function (sent) {
      if (sent.lengthComputable) said.textContent = form.dataset.sending.replace('{percent}', Math.floor(100 * sent.loaded / sent.total))
    }
    request.onload = function () {
      if (request.status === 200 && request.responseURL !== location.href && request.responseURL !== form.action) return location.assign(request.responseURL)
      document.open()
      document.write(request.responseText)
      document.close()
    }
    request.onerror = function () {
      button.disabled = false
      form.submit()
    }
    request.open('POST', form.action)
    request.send(new FormData(form))
  })
}
`
